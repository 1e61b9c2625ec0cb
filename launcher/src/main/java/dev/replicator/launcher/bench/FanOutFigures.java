package dev.replicator.launcher.bench;

import java.util.List;
import java.util.function.Function;

/** Turns the points of {@code bench fan-out} into figures. */
final class FanOutFigures {
    /** Percent by which our cost on the master may grow from the least number of slaves to the greatest. */
    private static final double GROWTH = 5;

    private final List<FanOutPoint> nativePoints;
    private final List<FanOutPoint> ourPoints;

    /** Both lists have the same numbers of slaves in the same order, at least one. */
    FanOutFigures(List<FanOutPoint> nativePoints, List<FanOutPoint> ourPoints) {
        this.nativePoints = nativePoints;
        this.ourPoints = ourPoints;
    }

    void addTo(BenchRun run) {
        boolean processes = run.master().isEmbedded();
        if (processes) {
            both(run, "CPU on master", "s", FanOutPoint::cpu);
            both(run, "WAL read by walsenders", "MiB", FanOutPoint::readMib);
        }
        both(run, "decoded by walsenders", "MiB", FanOutPoint::decodedMib);
        for (FanOutPoint point : ourPoints) {
            run.add(ours("sent to each slave", point, "bytes", FanOutPoint.measured(point.sentPerSlave())));
            run.add(ours("CPU of forwarder per slave", point, "s", FanOutPoint.measured(point.forwarderCpuPerSlave())));
        }
        if (processes && ourPoints.size() > 1) {
            run.add(growth(nativePoints, ourPoints));
        }
    }

    private void both(BenchRun run, String what, String unit, Function<FanOutPoint, Measured> value) {
        for (int i = 0; i < ourPoints.size(); i++) {
            FanOutPoint left = nativePoints.get(i);
            FanOutPoint right = ourPoints.get(i);
            run.add(new Figure(
                            "fan-out: " + what,
                            slaves(right.slaves()),
                            unit,
                            value.apply(left),
                            value.apply(right),
                            null)
                    .with("slaves", right.slaves())
                    .with("nativeSeconds", left.seconds())
                    .with("replicatorSeconds", right.seconds()));
        }
    }

    private static Figure ours(String what, FanOutPoint point, String unit, Measured value) {
        return new Figure("fan-out: " + what, slaves(point.slaves()), unit, null, value, null)
                .with("slaves", point.slaves());
    }

    static Figure growth(List<FanOutPoint> left, List<FanOutPoint> right) {
        return new Figure(
                "fan-out: growth of CPU on master",
                right.get(0).slaves() + " to "
                        + slaves(right.get(right.size() - 1).slaves()),
                "%",
                Measured.of(FanOutPoint.growthPercent(left)),
                Measured.of(FanOutPoint.growthPercent(right)),
                Bar.atMost(GROWTH, "%"));
    }

    private static String slaves(int count) {
        return count == 1 ? "1 slave" : count + " slaves";
    }
}
