package dev.replicator.capture;

import dev.replicator.queue.Epoch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Commit logs of the model check. What was not synced is lost with {@link #crash}. */
final class MemoryCommitLog implements CommitLogs {
    private Store current;
    private List<CommitEntry> durable = List.of();

    /** Loses what was written since the last sync. */
    void crash() {
        if (current != null) {
            current.entries.clear();
            current.entries.addAll(durable);
        }
    }

    /** The file is gone. */
    void lose() {
        current = null;
    }

    MemoryCommitLog copy() {
        MemoryCommitLog copy = new MemoryCommitLog();
        if (current != null) {
            copy.current = copy.new Store(current.epoch, current.baseSeq, current.baseLsn);
            copy.current.entries.addAll(durable);
            copy.durable = List.copyOf(durable);
        }
        return copy;
    }

    @Override
    public CommitLogStore open(Epoch epoch, long tailSeq) {
        if (current == null || !current.epoch.equals(epoch) || current.baseSeq > tailSeq) {
            return null;
        }
        current.truncateAfter(tailSeq);
        return current;
    }

    @Override
    public CommitLogStore create(Epoch epoch, long baseSeq, long baseLsn) {
        current = new Store(epoch, baseSeq, baseLsn);
        durable = List.of();
        return current;
    }

    @Override
    public void delete() {
        current = null;
    }

    private final class Store implements CommitLogStore {
        private final Epoch epoch;
        private final long baseSeq;
        private final long baseLsn;
        private final List<CommitEntry> entries = new ArrayList<>();

        Store(Epoch epoch, long baseSeq, long baseLsn) {
            this.epoch = epoch;
            this.baseSeq = baseSeq;
            this.baseLsn = baseLsn;
        }

        @Override
        public Epoch epoch() {
            return epoch;
        }

        @Override
        public long baseSeq() {
            return baseSeq;
        }

        @Override
        public long baseLsn() {
            return baseLsn;
        }

        @Override
        public long lastSeq() {
            return baseSeq + entries.size();
        }

        @Override
        public void append(CommitEntry entry) {
            entries.add(entry);
        }

        @Override
        public void flush() {
            // A write without fsync survives as little as no write.
        }

        @Override
        public void sync() {
            durable = List.copyOf(entries);
        }

        @Override
        public CommitEntry read(long seq) throws IOException {
            return entries.get((int) (seq - baseSeq - 1));
        }

        @Override
        public void truncateAfter(long seq) {
            while (lastSeq() > seq) {
                entries.remove(entries.size() - 1);
            }
            durable = durable.subList(0, Math.min(durable.size(), entries.size()));
        }

        @Override
        public boolean isWorthPruning(long upToSeq) {
            return true;
        }

        @Override
        public CommitLogStore prunedUpTo(long seq) {
            Store shorter =
                    new Store(epoch, seq, entries.get((int) (seq - baseSeq - 1)).lsn());
            shorter.entries.addAll(entries.subList((int) (seq - baseSeq), entries.size()));
            current = shorter;
            durable = List.copyOf(shorter.entries);
            return shorter;
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
