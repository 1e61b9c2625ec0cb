package dev.replicator.launcher.bench;

/** What a lag's figures are called, and which bars they have. */
final class LagFigures {
    private static final String BAR_SETTING = "on";
    private static final int BAR_RATE = 1000;
    private static final Bar P50 = Bar.atMost(2, "ms");
    private static final Bar P99 = Bar.atMost(10, "ms");

    private LagFigures() {}

    /** Adds the median, and where it has a bar the 99th percentile as a figure of its own. */
    static void add(BenchRun run, String setting, String name, int rate, Latencies nativeLags, Latencies ours) {
        boolean judged = setting.equals(BAR_SETTING) && name.equals(BAR_RATE + "/s");
        run.add(figure(setting, name + " p50", 50, judged ? P50 : null, nativeLags, ours)
                .with("transactionsPerSecond", rate)
                .with("nativeDonePerSecond", nativeLags.rate())
                .with("replicatorDonePerSecond", ours.rate())
                .with("nativeMillis", nativeLags.summary())
                .with("replicatorMillis", ours.summary())
                .with("nativeSecondMedians", LinePlot.values(nativeLags.secondMedians()))
                .with("replicatorSecondMedians", LinePlot.values(ours.secondMedians())));
        if (judged) {
            run.add(figure(setting, name + " p99", 99, P99, nativeLags, ours));
        }
    }

    private static Figure figure(
            String setting, String name, int percent, Bar bar, Latencies nativeLags, Latencies ours) {
        return new Figure(
                "lag, synchronous_commit " + setting,
                name,
                "ms",
                Measured.of(nativeLags.percentile(percent)),
                Measured.of(ours.percentile(percent)),
                bar);
    }
}
