package dev.replicator.launcher.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Cost on the master over the number of slaves. */
final class FanOutPlot {
    private FanOutPlot() {}

    static void write(Path directory, List<FanOutPoint> nativePoints, List<FanOutPoint> ourPoints) throws IOException {
        new LinePlot("Cost of more slaves on the master", "slaves", "CPU seconds of one load")
                .add("native", points(nativePoints))
                .add("replicator", points(ourPoints))
                .write(directory.resolve("fan-out.svg"));
    }

    private static List<LinePlot.Point> points(List<FanOutPoint> points) {
        return points.stream()
                .map(point -> new LinePlot.Point(point.slaves(), point.cpu().median()))
                .toList();
    }
}
