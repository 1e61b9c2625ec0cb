package dev.replicator.launcher.bench;

/** What catching up has to reach beside native replication. */
final class CatchUpBars {
    private CatchUpBars() {}

    static Bar of(CatchUp.From from, String workload) {
        if (from == CatchUp.From.WAL) {
            return Bar.ratio(workload.equals("tpcb") ? 1.3 : 1.0);
        }
        return switch (workload) {
            case "tpcb" -> Bar.ratio(3);
            case "insert-only", "sysbench" -> Bar.ratio(2);
            case "wide-updates" -> Bar.ratio(1.5);
            default -> Bar.ratio(1);
        };
    }
}
