package dev.replicator.queue.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.NativeLibraryLoader;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Status;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The RocksDB beside the segments. It only speeds things up: what it says of records is checked against the segment, and
 * all of it but the named values is made again from the segments when it is lost. Owns every native handle. Thread-safe.
 *
 * <pre>
 * key                              value
 * 'i' seq (8)                      segment number (8), offset of the transaction's record (8)
 * 'n' segment number (8)           content checksum of the segment's footer (4): its entries are complete
 * 'm' "queue"                      queue id (16)
 * 'm' "end"                        segment number (8), end of the last durable group (8), at the last orderly stop
 * 'v' name                         named value, UTF-8
 * </pre>
 */
final class QueueIndex implements KeyValueStore, Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(QueueIndex.class);
    private static final byte[] QUEUE_KEY = "mqueue".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END_KEY = "mend".getBytes(StandardCharsets.US_ASCII);

    /** A place in the log. */
    record Place(long segment, long offset) {}

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final LRUCache cache;
    private final Options options;
    private final WriteOptions durably;
    private final WriteOptions lazily;
    private final RocksDB db;
    private boolean closed;

    private QueueIndex(Path directory) throws IOException {
        cache = new LRUCache(2 << 20);
        options = new Options()
                .setCreateIfMissing(true)
                .setMaxOpenFiles(32)
                .setWriteBufferSize(1 << 20)
                .setMaxWriteBufferNumber(2)
                .setMaxTotalWalSize(4 << 20)
                .setKeepLogFileNum(2)
                .setStatsDumpPeriodSec(0)
                .setMaxBackgroundJobs(2)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setParanoidChecks(true)
                // A torn end is what a crash leaves; a hole before it is damage and means a new index.
                .setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords)
                .setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache));
        durably = new WriteOptions().setSync(true);
        lazily = new WriteOptions();
        RocksDB opened = null;
        try {
            opened = RocksDB.open(options, directory.toString());
        } catch (RocksDBException e) {
            throw new IOException("cannot open the queue's index in " + directory, e);
        } finally {
            db = opened;
            if (opened == null) {
                closeOptions();
            }
        }
    }

    /** Opens or creates the index. */
    static QueueIndex open(Path directory) throws IOException {
        Files.createDirectories(directory);
        loadLibrary(directory);
        return new QueueIndex(directory);
    }

    /**
     * Unpacks the native library beside the index, always under the same name. By itself it would go to /tmp under a new
     * one, and stay there when the process is killed.
     */
    private static void loadLibrary(Path directory) {
        try {
            NativeLibraryLoader.getInstance().loadLibrary(directory.toString());
        } catch (IOException | LinkageError e) {
            // No room there, or not executable.
            LOG.atDebug()
                    .addKeyValue("directory", directory)
                    .setCause(e)
                    .log("cannot load RocksDB's library from there");
        }
        RocksDB.loadLibrary();
    }

    /** Whether a failure means that there is no room, rather than that the index is damaged. */
    static boolean isFull(IOException failure) {
        return failure.getCause() instanceof RocksDBException e
                && (e.getStatus() != null && e.getStatus().getSubCode() == Status.SubCode.NoSpace
                        || String.valueOf(e.getMessage()).contains("No space left on device"));
    }

    /** Removes a damaged index. */
    static void destroy(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Reads everything once: a damaged file shows here, not under a running daemon. */
    void check() throws IOException {
        lock.readLock().lock();
        try {
            checkOpen();
            db.verifyChecksum();
        } catch (RocksDBException e) {
            throw new IOException("the queue's index is damaged", e);
        } finally {
            lock.readLock().unlock();
        }
    }

    Optional<UUID> queueId() throws IOException {
        byte[] id = read(QUEUE_KEY);
        if (id == null || id.length != 16) {
            return Optional.empty();
        }
        ByteBuffer in = ByteBuffer.wrap(id);
        return Optional.of(new UUID(in.getLong(), in.getLong()));
    }

    void setQueueId(UUID id) throws IOException {
        byte[] value = ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
        write(batch -> batch.put(QUEUE_KEY, value), true);
    }

    /** Durable end at the last orderly stop. */
    Optional<Place> end() throws IOException {
        return Optional.ofNullable(place(read(END_KEY)));
    }

    void setEnd(Place end) throws IOException {
        write(batch -> batch.put(END_KEY, pair(end.segment(), end.offset())), true);
    }

    /** Whether a closed segment's entries are here and belong to this very content. */
    boolean has(long segment, int contentCrc) throws IOException {
        byte[] value = read(key('n', segment));
        return value != null && value.length == 4 && ByteBuffer.wrap(value).getInt() == contentCrc;
    }

    /**
     * Adds a closed segment's entries in one step, so that a crash leaves all of them or none.
     *
     * @param entries pairs of seq and offset
     */
    void addSegment(long segment, int contentCrc, List<long[]> entries) throws IOException {
        write(
                batch -> {
                    for (long[] entry : entries) {
                        batch.put(key('i', entry[0]), pair(segment, entry[1]));
                    }
                    batch.put(
                            key('n', segment),
                            ByteBuffer.allocate(4).putInt(contentCrc).array());
                },
                false);
    }

    /** Drops entries of removed segments: all up to and including {@code seq}. */
    void removeSegment(long segment, long firstSeq, long lastSeq) throws IOException {
        write(
                batch -> {
                    batch.delete(key('n', segment));
                    if (firstSeq <= lastSeq) {
                        batch.deleteRange(key('i', firstSeq), key('i', lastSeq + 1));
                    }
                },
                false);
    }

    /** Drops every entry; named values stay. */
    void clearEntries() throws IOException {
        write(
                batch -> {
                    batch.deleteRange(new byte[] {'i'}, new byte[] {'i' + 1});
                    batch.deleteRange(new byte[] {'n'}, new byte[] {'n' + 1});
                    batch.delete(END_KEY);
                },
                false);
    }

    /** The nearest entry at or below a seq. */
    Optional<Place> floor(long seq) throws IOException {
        lock.readLock().lock();
        try {
            checkOpen();
            try (ReadOptions read = new ReadOptions();
                    RocksIterator iterator = db.newIterator(read)) {
                iterator.seekForPrev(key('i', seq));
                iterator.status();
                if (!iterator.isValid() || iterator.key()[0] != 'i') {
                    return Optional.empty();
                }
                return Optional.ofNullable(place(iterator.value()));
            }
        } catch (RocksDBException e) {
            throw new IOException("cannot read the queue's index", e);
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public Optional<String> get(String key) throws IOException {
        byte[] value = read(valueKey(key));
        return value == null ? Optional.empty() : Optional.of(new String(value, StandardCharsets.UTF_8));
    }

    @Override
    public void put(String key, String value) throws IOException {
        write(batch -> batch.put(valueKey(key), value.getBytes(StandardCharsets.UTF_8)), true);
    }

    @Override
    public void delete(String key) throws IOException {
        write(batch -> batch.delete(valueKey(key)), true);
    }

    @Override
    public Map<String, String> list(String prefix) throws IOException {
        byte[] from = valueKey(prefix);
        Map<String, String> found = new TreeMap<>();
        lock.readLock().lock();
        try {
            checkOpen();
            try (Slice end = new Slice(new byte[] {'v' + 1});
                    ReadOptions read = new ReadOptions().setIterateUpperBound(end);
                    RocksIterator iterator = db.newIterator(read)) {
                for (iterator.seek(from); iterator.isValid(); iterator.next()) {
                    String key = new String(iterator.key(), StandardCharsets.UTF_8).substring(1);
                    if (!key.startsWith(prefix)) {
                        break;
                    }
                    found.put(key, new String(iterator.value(), StandardCharsets.UTF_8));
                }
                iterator.status();
            }
        } catch (RocksDBException e) {
            throw new IOException("cannot read the queue's index", e);
        } finally {
            lock.readLock().unlock();
        }
        return found;
    }

    private interface Change {
        void fill(WriteBatch batch) throws RocksDBException;
    }

    private void write(Change change, boolean sync) throws IOException {
        lock.readLock().lock();
        try {
            checkOpen();
            try (WriteBatch batch = new WriteBatch()) {
                change.fill(batch);
                db.write(sync ? durably : lazily, batch);
            }
        } catch (RocksDBException e) {
            throw new IOException("cannot write the queue's index", e);
        } finally {
            lock.readLock().unlock();
        }
    }

    private byte[] read(byte[] key) throws IOException {
        lock.readLock().lock();
        try {
            checkOpen();
            return db.get(key);
        } catch (RocksDBException e) {
            throw new IOException("cannot read the queue's index", e);
        } finally {
            lock.readLock().unlock();
        }
    }

    private void checkOpen() throws IOException {
        if (closed) {
            throw new IOException("the queue is closed");
        }
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                db.close();
                closeOptions();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    private void closeOptions() {
        durably.close();
        lazily.close();
        options.close();
        cache.close();
    }

    private static byte[] key(char kind, long number) {
        return ByteBuffer.allocate(9).put((byte) kind).putLong(number).array();
    }

    private static byte[] valueKey(String name) {
        return ("v" + name).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] pair(long first, long second) {
        return ByteBuffer.allocate(16).putLong(first).putLong(second).array();
    }

    private static Place place(byte[] value) {
        if (value == null || value.length != 16) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(value);
        return new Place(in.getLong(), in.getLong());
    }
}
