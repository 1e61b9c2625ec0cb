package dev.replicator.dumps;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of dumps. Its catalogue is made from the manifests when it is opened (rule R16): there is nothing else to
 * lose. One process at a time; safe for several threads.
 */
public final class DumpStore implements AutoCloseable {
    /** zstd level. Level 3 took most of the readers' time, while a new slave waits for the rows (docs/performance.md). */
    public static final int DEFAULT_COMPRESSION_LEVEL = 1;

    private static final Logger LOG = LoggerFactory.getLogger(DumpStore.class);
    private static final String LOCK_FILE = "lock";

    private final Path directory;
    private final int compressionLevel;
    private final FileChannel lockFile;
    private final Map<String, StoredDump> dumps = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<DamagedDump> damaged = new ConcurrentLinkedQueue<>();

    /**
     * A directory in the store that is no dump.
     *
     * @param directory where
     * @param reason names the file and what is wrong with it
     */
    public record DamagedDump(Path directory, String reason) {}

    private DumpStore(Path directory, int compressionLevel, FileChannel lockFile) {
        this.directory = directory;
        this.compressionLevel = compressionLevel;
        this.lockFile = lockFile;
    }

    /**
     * Opens a store, making its directory when it is missing. A damaged dump does not prevent it: see {@link #damaged}.
     *
     * @throws IOException when another process has it open, or the directory cannot be read
     */
    public static DumpStore open(Path directory) throws IOException {
        return open(directory, DEFAULT_COMPRESSION_LEVEL);
    }

    /** As {@link #open(Path)}, with the zstd level for chunks written here. */
    public static DumpStore open(Path directory, int compressionLevel) throws IOException {
        Files.createDirectories(directory);
        DumpStore store = new DumpStore(directory, compressionLevel, lock(directory));
        boolean opened = false;
        try {
            ZstdLibrary.loadFrom(directory);
            store.catalogue();
            opened = true;
            return store;
        } finally {
            if (!opened) {
                store.close();
            }
        }
    }

    private static FileChannel lock(Path directory) throws IOException {
        Path file = directory.resolve(LOCK_FILE);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            LOG.debug("{} is open in this process", directory, e);
        } finally {
            if (lock == null) {
                channel.close();
            }
        }
        if (lock == null) {
            throw new IOException("opening dump directory " + directory + ": another process has it open (" + file
                    + " is locked); give every daemon a directory of its own");
        }
        return channel;
    }

    private void catalogue() throws IOException {
        List<Path> directories;
        try (Stream<Path> list = Files.list(directory)) {
            directories = list.filter(Files::isDirectory).sorted().toList();
        }
        for (Path candidate : directories) {
            try {
                StoredDump dump = StoredDump.open(candidate, compressionLevel);
                dumps.put(dump.id(), dump);
            } catch (CorruptDumpException e) {
                LOG.warn("{}", e.getMessage());
                damaged.add(new DamagedDump(candidate, e.getMessage()));
            }
        }
    }

    public Path directory() {
        return directory;
    }

    /**
     * Begins a dump.
     *
     * @param draft its manifest in state running
     * @throws IOException when there is a dump of this id already
     */
    public StoredDump create(DumpManifest draft) throws IOException {
        if (draft.state() != DumpState.RUNNING) {
            throw new IllegalArgumentException("manifest of dump " + draft.id() + " is no draft");
        }
        Path target = directory.resolve(draft.id());
        if (Files.exists(target)) {
            throw new IOException("creating dump " + draft.id() + ": " + target + " exists already");
        }
        StoredDump dump = StoredDump.create(target, draft, compressionLevel);
        dumps.put(draft.id(), dump);
        return dump;
    }

    /** The dump of this id, in whatever state. */
    public Optional<StoredDump> find(String id) {
        return Optional.ofNullable(dumps.get(id));
    }

    /** All dumps, ordered by id. */
    public List<StoredDump> list() {
        return dumps.values().stream()
                .sorted(Comparator.comparing(StoredDump::id))
                .toList();
    }

    /** What was found damaged when the store was opened, and not removed since. */
    public List<DamagedDump> damaged() {
        return List.copyOf(damaged);
    }

    /**
     * Removes a dump, damaged or not.
     *
     * @return false when there is none of this id
     */
    public boolean delete(String id) throws IOException {
        DumpIds.check(id);
        StoredDump dump = dumps.remove(id);
        if (dump != null) {
            dump.delete();
            return true;
        }
        Path path = directory.resolve(id);
        // A creation that was cut short leaves a directory that nobody knows.
        if (damaged.removeIf(entry -> entry.directory().equals(path)) || Files.isDirectory(path)) {
            Durably.deleteTree(path);
            return true;
        }
        return false;
    }

    /** File size of all chunks held. */
    public long sizeBytes() {
        return dumps.values().stream().mapToLong(StoredDump::storedBytes).sum();
    }

    @Override
    public void close() throws IOException {
        for (StoredDump dump : dumps.values()) {
            dump.release();
        }
        lockFile.close();
    }
}
