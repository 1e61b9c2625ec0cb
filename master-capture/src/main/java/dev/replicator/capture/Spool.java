package dev.replicator.capture;

import dev.replicator.queue.Position;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Everything capture keeps on disk: the spool itself, the commit log, the tables, and which master they belong to. The
 * fields are thread-safe; a history is begun by the reader alone.
 */
final class Spool implements AutoCloseable {
    private final ReplicationQueue queue;
    private final long largeTransactionBytes;
    private final CommitLogs commitLogs;
    private final Path sourceFile;
    private final TableRegistry tables;
    private volatile CommitLog commitLog;

    /** Of parts that are open; {@link #open} opens them in a directory. */
    Spool(ReplicationQueue queue, QueueOptions options, TableRegistry tables, CommitLogs commitLogs)
            throws IOException {
        this.queue = queue;
        this.largeTransactionBytes = options.largeTransactionBytes();
        this.commitLogs = commitLogs;
        this.sourceFile = options.directory().resolve("source.json");
        this.tables = tables;
        if (queue.hasHistory()) {
            commitLog = CommitLog.open(commitLogs, queue);
        }
    }

    /** Opens the directory and locks it. */
    static Spool open(QueueOptions options) throws IOException {
        Files.createDirectories(options.directory());
        ReplicationQueue queue = ReplicationQueue.open(options);
        boolean opened = false;
        try {
            TableRegistry tables = TableRegistry.open(options.directory().resolve("tables.json"));
            CommitLogs logs = CommitLogs.in(options.directory().resolve("commit-log"));
            Spool spool = new Spool(queue, options, tables, logs);
            opened = true;
            return spool;
        } finally {
            if (!opened) {
                queue.close();
            }
        }
    }

    ReplicationQueue queue() {
        return queue;
    }

    /** The commit log; there is one as soon as there is a history. */
    CommitLog commitLog() {
        return commitLog;
    }

    TableRegistry tables() {
        return tables;
    }

    long largeTransactionBytes() {
        return largeTransactionBytes;
    }

    Optional<SourceRecord> source() throws IOException {
        return SourceRecord.read(sourceFile);
    }

    void recordSource(SourceRecord source) throws IOException {
        source.write(sourceFile);
    }

    /**
     * Begins a history, or the next epoch, with nothing of the one before: where they part is not known, and a forwarder
     * that is further could not be met between them. If we die in between, opening makes the commit log from the spool.
     */
    void beginHistory(Position base) throws IOException {
        forgetCommitLog();
        queue.resetTo(base);
        createCommitLog(base);
    }

    /** Removes the commit log, before the spool's history changes: an old one must never be taken for the new one's. */
    void forgetCommitLog() throws IOException {
        if (commitLog != null) {
            commitLog.discard();
            commitLog = null;
        }
        commitLogs.delete();
    }

    /** Makes a commit log that begins behind a position, which may lie before the spool's first record. */
    void createCommitLog(Position base) throws IOException {
        commitLog = CommitLog.create(commitLogs, base);
    }

    /**
     * Position before the spool's first transaction: where a forwarder must stand at least; empty without a history.
     */
    Optional<Position> base() throws IOException {
        if (!queue.hasHistory()) {
            return Optional.empty();
        }
        long seq = queue.firstSeq() - 1;
        Optional<Position> held = queue.positionOf(seq);
        if (held.isPresent()) {
            return held;
        }
        return commitLog.lsnOf(seq).map(lsn -> new Position(queue.epoch(), seq, lsn));
    }

    /** Removes what the forwarder holds durably; the commit log is made durable up to there first (rule R02). */
    void pruneUpTo(long seq) throws IOException {
        commitLog.sync();
        queue.pruneUpTo(seq);
    }

    @Override
    public void close() throws IOException {
        try {
            if (commitLog != null) {
                commitLog.close();
            }
        } finally {
            queue.close();
        }
    }
}
