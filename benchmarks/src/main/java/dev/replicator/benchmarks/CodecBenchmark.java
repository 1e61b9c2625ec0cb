package dev.replicator.benchmarks;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordStreamParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** Transactions of four changes per second: to their record, and from it back to changes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class CodecBenchmark {
    private final Transactions transactions = new Transactions();
    private final Map<Integer, ChangeDecoder> decoders = new HashMap<>();
    private ByteBuffer image;
    private long seq;

    @Setup
    public void setup() throws IOException {
        for (TableSchema table : Transactions.TABLES) {
            decoders.put(table.tableId(), new ChangeDecoder(table));
        }
        image = transactions.encode(1);
    }

    @Benchmark
    public ByteBuffer encode() throws IOException {
        return transactions.encode(++seq);
    }

    @Benchmark
    public void decode(Blackhole changes) throws IOException {
        new RecordStreamParser("benchmark", new Decoding(changes)).feed(image.duplicate());
    }

    private final class Decoding implements RecordHandler {
        private final Blackhole changes;

        Decoding(Blackhole changes) {
            this.changes = changes;
        }

        @Override
        public void header(RecordHeader header) {
            changes.consume(header);
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            ByteBuffer payload = Blocks.payload(header, block);
            ChangeDecoder decoder = decoders.get(header.tableId());
            while (payload.hasRemaining()) {
                changes.consume(decoder.next(payload));
            }
        }

        @Override
        public void end(RecordHeader header) {
            changes.consume(header);
        }
    }
}
