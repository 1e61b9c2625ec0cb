package dev.replicator.benchmarks;

import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A queue in a temporary directory. */
public final class QueueDirectory implements AutoCloseable {
    private final Path directory;
    private final ReplicationQueue queue;
    private final Transactions transactions = new Transactions();

    public QueueDirectory() throws IOException {
        directory = Files.createTempDirectory("replicator-benchmark-");
        queue = ReplicationQueue.open(QueueOptions.of(directory.resolve("queue")));
        queue.startHistory(Transactions.BASE);
    }

    public ReplicationQueue queue() {
        return queue;
    }

    /** Appends so many transactions and waits until they are durable; bytes of their records. */
    public long append(int count) throws IOException {
        long bytes = 0;
        long from = queue.writer().lastSeq() + 1;
        for (long seq = from; seq < from + count; seq++) {
            ByteBuffer image = transactions.encode(seq);
            bytes += image.remaining();
            queue.writer().append(transactions.header(seq), image);
        }
        queue.writer().sync();
        return bytes;
    }

    @Override
    public void close() throws IOException {
        queue.close();
        List<Path> files;
        try (Stream<Path> all = Files.walk(directory)) {
            files = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }
}
