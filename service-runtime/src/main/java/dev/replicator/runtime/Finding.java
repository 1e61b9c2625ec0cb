package dev.replicator.runtime;

/**
 * Something that preflight found.
 *
 * @param subject what it is about: a table, a setting, a file, an address
 * @param blocking true if the daemon cannot do its work, or not for this subject; false for what is only worth knowing
 * @param problem what is wrong, expected and actual
 * @param fix the statement or step that mends it
 */
public record Finding(String subject, boolean blocking, String problem, String fix) {
    /** Something without which it does not work. */
    public static Finding missing(String subject, String problem, String fix) {
        return new Finding(subject, true, problem, fix);
    }

    /** Something worth knowing. */
    public static Finding note(String subject, String problem, String fix) {
        return new Finding(subject, false, problem, fix);
    }
}
