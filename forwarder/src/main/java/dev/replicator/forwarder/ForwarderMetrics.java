package dev.replicator.forwarder;

import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.runtime.Metrics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The forwarder's metrics; all are asked for at a scrape, so nothing is counted twice. */
final class ForwarderMetrics {
    private final Metrics registry = new Metrics();

    ForwarderMetrics(
            ReplicationQueue queue,
            CaptureLink link,
            CommitTimes times,
            DumpCatalog dumps,
            Slaves slaves,
            SlaveStatus status) {
        registry.gauge(
                "replicator_capture_connected", "1 while a capture is connected", () -> link.isConnected() ? 1 : 0);
        registry.gauge("replicator_queue_bytes", "Bytes of the queue's segments", queue::sizeBytes);
        registry.gauge(
                "replicator_queue_first_seq",
                "Number of the first transaction in the queue",
                () -> queue.hasHistory() ? queue.firstSeq() : 0);
        registry.gauge(
                "replicator_queue_last_seq",
                "Number of the last durable transaction",
                () -> queue.hasHistory() ? queue.durableTail().seq() : 0);
        registry.gauge(
                "replicator_queue_torn_bytes",
                "Bytes of a torn tail cut when the queue was opened",
                () -> queue.recovery().tornBytes());
        registry.counters(
                "replicator_ingested_transactions_total",
                "Transactions taken in since the start",
                List.of(),
                () -> Map.of(List.of(), (double) times.transactions()));
        registry.gauge("replicator_dump_cache_bytes", "Bytes of dump chunks held", dumps::sizeBytes);
        bySlave(
                slaves,
                "replicator_slave_connected",
                "1 while the slave is connected",
                slave -> slave.isConnected() ? 1 : 0);
        bySlave(
                slaves,
                "replicator_slave_lag_transactions",
                "Transactions the slave has not applied",
                status::lagTransactions);
        bySlave(slaves, "replicator_slave_lag_seconds", "Age of what the slave has not applied", status::lagSeconds);
        bySlave(
                slaves,
                "replicator_slave_sent_bytes",
                "Record bytes sent to the slave since the start",
                Slave::bytesSent);
        bySlave(
                slaves,
                "replicator_slave_dump_sent_bytes",
                "Dump bytes sent to the slave since the start",
                Slave::dumpBytesSent);
    }

    Metrics registry() {
        return registry;
    }

    private void bySlave(Slaves slaves, String name, String help, ToDoubleFunction<Slave> value) {
        registry.gauges(name, help, List.of("slave"), () -> {
            Map<List<String>, Double> values = new HashMap<>();
            slaves.all().forEach(slave -> values.put(List.of(slave.name()), value.applyAsDouble(slave)));
            return values;
        });
    }
}
