package dev.replicator.slave;

import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.SlaveTable;
import dev.replicator.runtime.Metrics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The daemon's numbers for Prometheus, all taken from its report. */
final class SlaveMetrics {
    private SlaveMetrics() {}

    static Metrics of(Supplier<SlaveReport> report) {
        Metrics metrics = new Metrics();
        metrics.gauge(
                "replicator_slave_in_sync",
                "1 while every table is in sync",
                () -> report.get().getState().equals("in-sync") ? 1 : 0);
        metrics.gauge(
                "replicator_slave_apply_lag_seconds",
                "Time from commit on the master to commit here, of the newest applied transaction",
                () -> report.get().getLagMicros() / 1e6);
        metrics.gauges(
                "replicator_slave_lane_seq",
                "Last transaction of the master that a lane has applied durably",
                List.of("lane"),
                () -> {
                    Map<List<String>, Double> values = new HashMap<>();
                    report.get()
                            .getLanesList()
                            .forEach(lane -> values.put(List.of(lane.getLane()), (double)
                                    lane.getPosition().getSeq()));
                    return values;
                });
        metrics.gauges(
                "replicator_slave_table_state", "1 for the state a table is in", List.of("table", "state"), () -> {
                    Map<List<String>, Double> values = new HashMap<>();
                    for (SlaveTable table : report.get().getTablesList()) {
                        values.put(List.of(table.getTable(), table.getState()), 1.0);
                    }
                    return values;
                });
        return metrics;
    }
}
