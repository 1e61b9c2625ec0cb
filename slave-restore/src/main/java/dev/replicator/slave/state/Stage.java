package dev.replicator.slave.state;

/** Where a table stands, as users see it. The text is stored and reported. */
public enum Stage {
    WAITING_FOR_DUMP("waiting-for-dump"),
    RESTORING("restoring"),
    CATCHING_UP("catching-up"),
    IN_SYNC("in-sync"),
    ERROR("error");

    private final String text;

    Stage(String text) {
        this.text = text;
    }

    /** The stored and reported form. */
    public String text() {
        return text;
    }

    /** The stage with that text. */
    public static Stage of(String text) {
        for (Stage stage : values()) {
            if (stage.text.equals(text)) {
                return stage;
            }
        }
        throw new IllegalArgumentException("no table state '" + text + "'");
    }
}
