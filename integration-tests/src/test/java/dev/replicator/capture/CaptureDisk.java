package dev.replicator.capture;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.queue.store.MemoryDisk;
import dev.replicator.queue.store.MemoryQueue;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.simulation.TableRows;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a capture of the model check has on disk. */
final class CaptureDisk {
    private static final QueueOptions OPTIONS = QueueOptions.of(Path.of("model"));

    final MemoryDisk spool;
    final MemoryCommitLog commitLog;
    TableRegistry.Content tables = new TableRegistry.Content(List.of(), Map.of());
    /** Dumps that are being read or were read, by id. */
    final Map<String, Staged> staged = new TreeMap<>();

    /**
     * A dump in the staging directory.
     *
     * @param manifest its draft, or the complete one
     * @param rows null while they are read
     */
    record Staged(DumpManifest manifest, TableRows rows) {}

    CaptureDisk(int recordsPerSegment) {
        this(new MemoryDisk(recordsPerSegment), new MemoryCommitLog());
    }

    private CaptureDisk(MemoryDisk spool, MemoryCommitLog commitLog) {
        this.spool = spool;
        this.commitLog = commitLog;
    }

    CaptureDisk copy() {
        CaptureDisk copy = new CaptureDisk(spool.copy(), commitLog.copy());
        copy.tables = tables;
        return copy;
    }

    Spool open() throws IOException {
        TableRegistry registry = TableRegistry.open(new TableRegistry.Store() {
            @Override
            public TableRegistry.Content load() {
                return tables;
            }

            @Override
            public void save(TableRegistry.Content content) {
                tables = content;
            }
        });
        return new Spool(new MemoryQueue(spool), OPTIONS, registry, commitLog);
    }
}
