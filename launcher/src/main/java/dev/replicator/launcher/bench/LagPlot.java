package dev.replicator.launcher.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Lag over time under one setting: for each rate a colour, native dashed. */
final class LagPlot {
    private static final double LEAST_SHOWN_MILLIS = 0.01;

    private final String setting;
    private final LinePlot plot;
    private int rates;

    LagPlot(String setting) {
        this.setting = setting;
        this.plot = new LinePlot(
                        "Lag, median of each second, synchronous_commit = " + setting, "second", "milliseconds")
                .logarithmic();
    }

    void add(String rate, Latencies nativeLags, Latencies ours) {
        plot.add("native " + rate, shown(nativeLags), rates, true);
        plot.add("replicator " + rate, shown(ours), rates, false);
        rates++;
    }

    /** @param directory null for nowhere */
    void write(Path directory) throws IOException {
        if (directory != null) {
            plot.write(directory.resolve("lag-" + setting + ".svg"));
        }
    }

    /** Commit times that are as good as equal have no place on a logarithmic axis. */
    private static List<LinePlot.Point> shown(Latencies lags) {
        return lags.secondMedians().stream()
                .map(point -> new LinePlot.Point(point.x(), Math.max(LEAST_SHOWN_MILLIS, point.y())))
                .toList();
    }
}
