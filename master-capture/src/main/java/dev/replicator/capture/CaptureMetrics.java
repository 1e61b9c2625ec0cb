package dev.replicator.capture;

import dev.replicator.runtime.Metrics;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Names and meanings of capture's metrics. */
final class CaptureMetrics {
    private static final double MICROS_PER_SECOND = 1e6;

    private CaptureMetrics() {}

    static Metrics of(StatusBoard board, Spool spool) {
        Metrics metrics = new Metrics();
        metrics.gauge(
                "replicator_capture_received_position",
                "Source LSN received last, in bytes",
                () -> board.receivedLsn());
        metrics.gauge(
                "replicator_capture_flushed_position",
                "Source LSN up to which everything is durable in the spool, in bytes",
                () -> spool.queue().hasHistory() ? spool.queue().durableLsn() : 0);
        metrics.gauge(
                "replicator_capture_confirmed_position",
                "Source LSN confirmed to the master, in bytes",
                () -> board.confirmedLsn());
        counter(metrics, "replicator_capture_transactions_total", "Transactions captured", board::transactions);
        counter(metrics, "replicator_capture_changes_total", "Row changes captured", board::changes);
        counter(metrics, "replicator_capture_bytes_total", "Bytes of transaction records written", board::bytes);
        metrics.gauge("replicator_capture_spool_bytes", "Bytes of the spool on disk", () -> board.spoolBytes());
        metrics.gauge(
                "replicator_capture_lag_seconds",
                "Now minus the commit time of the newest transaction captured; 0 when idle",
                () -> board.lagMicros(
                                TimeUnit.MILLISECONDS.toMicros(Instant.now().toEpochMilli()))
                        / MICROS_PER_SECOND);
        metrics.gauge(
                "replicator_capture_forwarder_connected",
                "1 while the forwarder is connected",
                () -> board.isForwarderConnected() ? 1 : 0);
        metrics.gauges(
                "replicator_capture_state", "1 for the state capture is in", List.of("state"), () -> states(board));
        return metrics;
    }

    private static void counter(Metrics metrics, String name, String help, java.util.function.LongSupplier value) {
        metrics.counters(name, help, List.of(), () -> Map.of(List.of(), (double) value.getAsLong()));
    }

    private static Map<List<String>, Double> states(StatusBoard board) {
        Map<List<String>, Double> states = new HashMap<>();
        for (CaptureState state : CaptureState.values()) {
            states.put(List.of(state.text()), state == board.state() ? 1.0 : 0.0);
        }
        return states;
    }
}
