package dev.replicator.launcher.bench;

import java.util.List;

/**
 * What one number of slaves cost under the load, window by window.
 *
 * @param slaves how many followed
 * @param costs of the master
 * @param seconds from the load's first transaction until all slaves had its last one
 * @param sentPerSlave bytes sent to a slave on average by our forwarder; empty for native
 * @param forwarderCpuPerSlave our forwarder's CPU seconds by the number of slaves; empty for native
 */
record FanOutPoint(
        int slaves,
        List<MasterCost> costs,
        List<Double> seconds,
        List<Double> sentPerSlave,
        List<Double> forwarderCpuPerSlave) {

    Measured cpu() {
        return measured(costs.stream().map(MasterCost::cpuSeconds).toList());
    }

    Measured readMib() {
        return measured(costs.stream().map(cost -> cost.readBytes() / (1 << 20)).toList());
    }

    Measured decodedMib() {
        return measured(
                costs.stream().map(cost -> cost.decodedBytes() / (1 << 20)).toList());
    }

    static Measured measured(List<Double> values) {
        return Measured.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** By how much the master's CPU grew from the first point to the last, percent of the first. */
    static double growthPercent(List<FanOutPoint> points) {
        double first = points.get(0).cpu().median();
        double last = points.get(points.size() - 1).cpu().median();
        return (last - first) / first * 100;
    }
}
