package dev.replicator.dumps;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * One dump in a {@link DumpStore}: a directory with manifest, chunks and, while it is running, a ledger. Safe for several
 * threads: readers may send chunks out while others still arrive.
 */
public final class StoredDump implements ChunkSink {
    static final String MANIFEST = "manifest.json";

    private final Path directory;
    private final int compressionLevel;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Integer, ChunkEntry> chunks = new TreeMap<>();
    private DumpManifest manifest;
    private Ledger ledger;
    private int lastNumber;
    private boolean deleted;

    private StoredDump(Path directory, DumpManifest manifest, int compressionLevel) {
        this.directory = directory;
        this.manifest = manifest;
        this.compressionLevel = compressionLevel;
    }

    static StoredDump create(Path directory, DumpManifest draft, int compressionLevel) throws IOException {
        Files.createDirectory(directory);
        StoredDump dump = new StoredDump(directory, draft, compressionLevel);
        dump.ledger = Ledger.open(directory, dump.chunks);
        Durably.replace(directory.resolve(MANIFEST), draft.toJson());
        Durably.syncDirectory(directory.getParent());
        return dump;
    }

    /** Reads a directory as a crash may have left it: files that no ledger line or manifest knows are removed. */
    static StoredDump open(Path directory, int compressionLevel) throws IOException {
        StoredDump dump = new StoredDump(directory, readManifest(directory), compressionLevel);
        if (dump.manifest.state() == DumpState.RUNNING) {
            dump.ledger = Ledger.open(directory, dump.chunks);
        } else {
            dump.manifest.chunks().forEach(entry -> dump.chunks.put(entry.number(), entry));
        }
        dump.lastNumber =
                dump.chunks.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
        dump.removeUnknownFiles();
        for (ChunkEntry entry : dump.chunks.values()) {
            dump.checkSize(entry);
        }
        return dump;
    }

    private static DumpManifest readManifest(Path directory) throws IOException {
        Path file = directory.resolve(MANIFEST);
        if (!Files.exists(file)) {
            throw new CorruptDumpException(file, "it is missing");
        }
        DumpManifest manifest;
        try {
            manifest = DumpManifest.fromJson(Files.readString(file, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException | java.nio.charset.CharacterCodingException e) {
            throw new CorruptDumpException(file, "it is not a manifest (" + e.getMessage() + ")", e);
        }
        if (!manifest.id().equals(directory.getFileName().toString())) {
            throw new CorruptDumpException(file, "it is the manifest of dump " + manifest.id());
        }
        return manifest;
    }

    /** The manifest in force; sums and chunks are in it only once the dump is complete. */
    public DumpManifest manifest() {
        lock.lock();
        try {
            return manifest;
        } finally {
            lock.unlock();
        }
    }

    public String id() {
        return manifest().id();
    }

    public DumpState state() {
        return manifest().state();
    }

    public Path directory() {
        return directory;
    }

    /** Chunks held, by number. */
    public List<ChunkEntry> chunks() {
        lock.lock();
        try {
            return List.copyOf(chunks.values());
        } finally {
            lock.unlock();
        }
    }

    /** Numbers of the chunks held. */
    public Set<Integer> chunkNumbers() {
        lock.lock();
        try {
            return new TreeSet<>(chunks.keySet());
        } finally {
            lock.unlock();
        }
    }

    /** Rows of the chunks held. */
    public long rows() {
        return chunks().stream().mapToLong(ChunkEntry::rows).sum();
    }

    /** File size of the chunks held. */
    public long storedBytes() {
        return chunks().stream().mapToLong(ChunkEntry::storedBytes).sum();
    }

    /**
     * Blocks until there is another number of chunks than the caller saw, or the dump is no longer running, or time is up.
     *
     * @return false when time is up
     */
    public boolean awaitChange(int seenChunks, Duration timeout) throws InterruptedException {
        long left = timeout.toNanos();
        lock.lockInterruptibly();
        try {
            while (!deleted && manifest.state() == DumpState.RUNNING && chunks.size() == seenChunks) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Begins the next chunk: COPY text that is compressed here. */
    @Override
    public ChunkWriter begin(String range) throws IOException {
        int number;
        lock.lock();
        try {
            requireRunning();
            number = ++lastNumber;
        } finally {
            lock.unlock();
        }
        return new ChunkWriter(this, new ChunkFile(file(number)), number, range, compressionLevel);
    }

    /** Begins to receive a chunk that was written elsewhere. */
    public ChunkReceiver receive(ChunkEntry entry) throws IOException {
        lock.lock();
        try {
            requireRunning();
        } finally {
            lock.unlock();
        }
        return new ChunkReceiver(this, new ChunkFile(file(entry.number())), entry);
    }

    void add(ChunkEntry entry) throws IOException {
        lock.lock();
        try {
            requireRunning();
            Durably.syncDirectory(directory);
            ledger.append(entry);
            chunks.put(entry.number(), entry);
            lastNumber = Math.max(lastNumber, entry.number());
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** A chunk's file as it is stored, for sending. The receiver checks it. */
    public InputStream openStored(int number) throws IOException {
        checkSize(entry(number));
        return Files.newInputStream(file(number));
    }

    /**
     * A chunk's COPY text. The whole file is checked before the first byte is handed out.
     *
     * @throws CorruptDumpException when size or checksum are wrong
     */
    public InputStream openText(int number) throws IOException {
        verify(number);
        return new ZstdInputStream(new BufferedInputStream(Files.newInputStream(file(number)), 1 << 16));
    }

    /**
     * Compares a chunk's file with its entry.
     *
     * @throws CorruptDumpException when size or checksum are wrong
     */
    public void verify(int number) throws IOException {
        ChunkEntry entry = entry(number);
        checkSize(entry);
        CRC32C crc = new CRC32C();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file(number))) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                crc.update(buffer, 0, read);
            }
        }
        if (crc.getValue() != entry.crc32c()) {
            throw new CorruptDumpException(
                    file(number), "CRC-32C is " + crc.getValue() + ", expected " + entry.crc32c());
        }
    }

    /** Ends a dump that was read here: writes the final manifest from the ledger. */
    public DumpManifest complete() throws IOException {
        lock.lock();
        try {
            requireRunning();
            end(manifest.completed(List.copyOf(chunks.values())));
            return manifest;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends a dump that was received: takes over its final manifest.
     *
     * @throws IOException when a chunk of it is not held, or is held with another checksum, or the manifest is not a
     *     complete one of this dump
     */
    public void complete(DumpManifest finalManifest) throws IOException {
        lock.lock();
        try {
            if (manifest.state() == DumpState.COMPLETE && manifest.chunks().equals(finalManifest.chunks())) {
                return;
            }
            requireRunning();
            requireFits(finalManifest);
            end(finalManifest);
        } finally {
            lock.unlock();
        }
    }

    private void requireFits(DumpManifest finalManifest) throws IOException {
        String what = "completing dump " + manifest.id() + ": ";
        if (!finalManifest.id().equals(manifest.id()) || finalManifest.state() != DumpState.COMPLETE) {
            throw new IOException(what + "got the manifest of dump " + finalManifest.id() + " in state "
                    + finalManifest.state().name().toLowerCase(Locale.ROOT));
        }
        if (!finalManifest.boundary().equals(manifest.boundary())
                || !finalManifest.schema().equals(manifest.schema())) {
            throw new IOException(what + "boundary or schema are not those of the draft");
        }
        Map<Integer, ChunkEntry> expected = new TreeMap<>();
        finalManifest.chunks().forEach(entry -> expected.put(entry.number(), entry));
        if (!expected.equals(chunks)) {
            throw new IOException(what + "the manifest lists chunks " + expected.keySet() + ", held are "
                    + chunks.keySet() + ", or a chunk differs; it has to be sent again");
        }
    }

    /**
     * Ends a dump that will not be complete; its chunks are removed. Nothing happens when it has failed before.
     *
     * @param retry whether a new dump may succeed
     */
    public void fail(String reason, boolean retry) throws IOException {
        lock.lock();
        try {
            if (deleted || manifest.state() == DumpState.FAILED) {
                return;
            }
            chunks.clear();
            end(manifest.failed(reason, retry));
            removeUnknownFiles();
        } finally {
            lock.unlock();
        }
    }

    private void end(DumpManifest last) throws IOException {
        Durably.replace(directory.resolve(MANIFEST), last.toJson());
        manifest = last;
        changed.signalAll();
        if (ledger != null) {
            ledger.close();
            ledger = null;
            Files.deleteIfExists(directory.resolve(Ledger.FILE));
        }
    }

    /** Removes the directory; who still reads a chunk of it may read on. */
    void delete() throws IOException {
        lock.lock();
        try {
            deleted = true;
            changed.signalAll();
            if (ledger != null) {
                ledger.close();
                ledger = null;
            }
            // Without its manifest a half-removed directory can never be taken for a dump.
            Files.deleteIfExists(directory.resolve(MANIFEST));
            Durably.deleteTree(directory);
        } finally {
            lock.unlock();
        }
    }

    /** Lets go of open files; the dump stays as it is. */
    void release() throws IOException {
        lock.lock();
        try {
            if (ledger != null) {
                ledger.close();
            }
        } finally {
            lock.unlock();
        }
    }

    Path file(int number) {
        return directory.resolve(String.format(Locale.ROOT, "chunk-%06d.zst", number));
    }

    private ChunkEntry entry(int number) {
        lock.lock();
        try {
            ChunkEntry entry = chunks.get(number);
            if (entry == null) {
                throw new IllegalArgumentException("dump " + manifest.id() + " holds no chunk " + number);
            }
            return entry;
        } finally {
            lock.unlock();
        }
    }

    private void checkSize(ChunkEntry entry) throws IOException {
        Path file = file(entry.number());
        if (!Files.exists(file)) {
            throw new CorruptDumpException(file, "it is missing");
        }
        long size = Files.size(file);
        if (size != entry.storedBytes()) {
            throw new CorruptDumpException(file, "it has " + size + " bytes, expected " + entry.storedBytes());
        }
    }

    private void requireRunning() throws IOException {
        if (deleted) {
            throw new IOException("dump " + manifest.id() + " was dropped");
        }
        if (manifest.state() != DumpState.RUNNING) {
            throw new IOException("dump " + manifest.id() + " is "
                    + manifest.state().name().toLowerCase(Locale.ROOT) + ", it takes no more chunks");
        }
    }

    private void removeUnknownFiles() throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(directory)) {
            files = list.toList();
        }
        Set<Path> known = new TreeSet<>();
        known.add(directory.resolve(MANIFEST));
        if (ledger != null) {
            known.add(directory.resolve(Ledger.FILE));
        }
        chunks.keySet().forEach(number -> known.add(file(number)));
        for (Path file : files) {
            if (!known.contains(file)) {
                Files.deleteIfExists(file);
            }
        }
    }

    @Override
    public String toString() {
        return manifest().id() + " of " + manifest().table();
    }
}
