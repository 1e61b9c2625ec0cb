package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.benchmarks.QueueDirectory;
import dev.replicator.benchmarks.Transactions;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Transactions per second that the filter of one slave passes, as {@link LaneSender} does it, from the open segment: a
 * closed one without the slave's tables is passed over whole. {@code bytes}: what goes to the wire, per second.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class FilterBenchmark {
    private static final int TRANSACTIONS = 50_000;
    private static final int WHOLE_BYTES = 1 << 20;
    private static final Set<Integer> ALL =
            Transactions.TABLES.stream().map(TableSchema::tableId).collect(Collectors.toSet());

    private QueueDirectory directory;

    /** What went to the wire. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Sent {
        public long bytes;
    }

    @Setup
    public void setup() throws IOException {
        directory = new QueueDirectory();
        directory.append(TRANSACTIONS);
    }

    @TearDown
    public void tearDown() throws IOException {
        directory.close();
    }

    @Benchmark
    @OperationsPerInvocation(TRANSACTIONS)
    public void needsNone(Sent sent) throws IOException {
        send(Set.of(1, 2, 3), sent);
    }

    @Benchmark
    @OperationsPerInvocation(TRANSACTIONS)
    public void needsOneOfFour(Sent sent) throws IOException {
        send(Set.of(Transactions.HISTORY.tableId()), sent);
    }

    @Benchmark
    @OperationsPerInvocation(TRANSACTIONS)
    public void needsAll(Sent sent) throws IOException {
        send(ALL, sent);
    }

    private void send(Set<Integer> wanted, Sent sent) throws IOException {
        OutBatch batch = new OutBatch((ByteString slice) -> sent.bytes += slice.size());
        try (QueueReader reader = directory.queue().readAfter(Transactions.BASE)) {
            for (RecordHeader header = reader.next(wanted); header != null; header = reader.next(wanted)) {
                if (header.isTransaction()) {
                    send(header, reader, wanted, batch);
                }
            }
            if (reader.passedSeq() != TRANSACTIONS) {
                throw new IllegalStateException("read up to " + reader.passedSeq());
            }
        }
        batch.flush();
    }

    private static void send(RecordHeader header, QueueReader reader, Set<Integer> wanted, OutBatch batch)
            throws IOException {
        RecordHeader trimmed = RecordTrimmer.header(header, wanted::contains);
        ByteBuffer image = reader.image(WHOLE_BYTES);
        if (trimmed == header) {
            batch.put(image);
        } else {
            batch.put(trimmed.encode());
            RecordTrimmer.blocks(header, image, wanted::contains, (block, bytes) -> batch.put(bytes));
        }
    }
}
