package dev.replicator.capture;

import dev.replicator.queue.Epoch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The commit log on disk. Big-endian; entries are dense in seq, so each has its place.
 *
 * <pre>
 * header, 48 bytes               entry, 36 bytes
 * offset size field              offset size field
 *      0    4 magic "RPCL"            0    8 seq
 *      4    4 version, 1              8    8 transaction id, 64 bits
 *      8    4 epoch number           16    8 end LSN
 *     12   16 epoch id               24    8 commit time, microseconds
 *     28    8 base seq               32    4 CRC32C of bytes 0 to 31
 *     36    8 base LSN
 *     44    4 CRC32C of bytes 0 to 43
 * </pre>
 *
 * <p>Used under the lock of {@link CommitLog}.
 */
final class CommitLogFile implements CommitLogStore {
    private static final int MAGIC = 0x5250434C;
    private static final int VERSION = 1;
    private static final int HEADER_LENGTH = 48;
    private static final int ENTRY_LENGTH = 36;
    private static final int BUFFERED_ENTRIES = 1024;
    /** Below this much to gain a rewrite is not worth its fsync. */
    private static final long WORTH_PRUNING_BYTES = 4L << 20;

    private final Path path;
    private final FileChannel channel;
    private final Epoch epoch;
    private final long baseSeq;
    private final long baseLsn;
    private final ByteBuffer pending = ByteBuffer.allocate(BUFFERED_ENTRIES * ENTRY_LENGTH);
    private final ByteBuffer single = ByteBuffer.allocate(ENTRY_LENGTH);
    private long lastSeq;

    private CommitLogFile(Path path, FileChannel channel, Epoch epoch, long baseSeq, long baseLsn) {
        this.path = path;
        this.channel = channel;
        this.epoch = epoch;
        this.baseSeq = baseSeq;
        this.baseLsn = baseLsn;
        this.lastSeq = baseSeq;
    }

    /**
     * Opens the file and cuts what is torn or above the spool's tail.
     *
     * @return null when there is no file, its header is damaged, or it belongs to another epoch
     */
    static CommitLogFile open(Path path, Epoch epoch, long tailSeq) throws IOException {
        if (!Files.exists(path)) {
            return null;
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        CommitLogFile file = readHeader(path, channel);
        if (file == null || !file.epoch.equals(epoch) || file.baseSeq > tailSeq) {
            channel.close();
            return null;
        }
        file.findEnd(tailSeq);
        return file;
    }

    /** A new file in place of whatever was there, durable. */
    static CommitLogFile create(Path path, Epoch epoch, long baseSeq, long baseLsn) throws IOException {
        Path draft = path.resolveSibling(path.getFileName() + ".tmp");
        CommitLogFile file = draft(path, draft, epoch, baseSeq, baseLsn);
        file.channel.force(true);
        DurableFile.moveInPlace(draft, path);
        return file;
    }

    private static CommitLogFile draft(Path path, Path draft, Epoch epoch, long baseSeq, long baseLsn)
            throws IOException {
        FileChannel channel = FileChannel.open(
                draft,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING);
        ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH);
        header.putInt(MAGIC).putInt(VERSION).putInt(epoch.number());
        header.putLong(epoch.id().getMostSignificantBits()).putLong(epoch.id().getLeastSignificantBits());
        header.putLong(baseSeq).putLong(baseLsn).putInt(crc(header, HEADER_LENGTH - 4));
        DurableFile.writeFully(channel, header.flip());
        return new CommitLogFile(path, channel, epoch, baseSeq, baseLsn);
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
        return lastSeq;
    }

    @Override
    public void append(CommitEntry entry) throws IOException {
        if (pending.remaining() < ENTRY_LENGTH) {
            flush();
        }
        int at = pending.position();
        pending.putLong(entry.seq()).putLong(entry.transactionId());
        pending.putLong(entry.lsn()).putLong(entry.commitMicros());
        CRC32C crc = new CRC32C();
        crc.update(pending.array(), at, ENTRY_LENGTH - 4);
        pending.putInt((int) crc.getValue());
        lastSeq = entry.seq();
    }

    @Override
    public void flush() throws IOException {
        pending.flip();
        long at = offset(lastSeq + 1) - pending.remaining();
        while (pending.hasRemaining()) {
            at += channel.write(pending, at);
        }
        pending.clear();
    }

    @Override
    public void sync() throws IOException {
        flush();
        channel.force(false);
    }

    @Override
    public CommitEntry read(long seq) throws IOException {
        if (!readInto(seq)) {
            throw new IOException("commit log: entry of seq " + seq + " is damaged");
        }
        return new CommitEntry(seq, single.getLong(8), single.getLong(16), single.getLong(24));
    }

    @Override
    public void truncateAfter(long seq) throws IOException {
        flush();
        channel.truncate(offset(seq + 1));
        lastSeq = seq;
    }

    @Override
    public boolean isWorthPruning(long upToSeq) {
        long gain = offset(upToSeq) - HEADER_LENGTH;
        return gain > WORTH_PRUNING_BYTES && gain > (offset(lastSeq) - HEADER_LENGTH) / 2;
    }

    @Override
    public CommitLogFile prunedUpTo(long seq) throws IOException {
        flush();
        Path draft = path.resolveSibling(path.getFileName() + ".tmp");
        CommitLogFile shorter = draft(path, draft, epoch, seq, read(seq).lsn());
        long from = offset(seq + 1);
        long end = offset(lastSeq + 1);
        shorter.channel.position(HEADER_LENGTH);
        while (from < end) {
            from += channel.transferTo(from, end - from, shorter.channel);
        }
        shorter.lastSeq = lastSeq;
        shorter.channel.force(true);
        DurableFile.moveInPlace(draft, path);
        channel.close();
        return shorter;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private static CommitLogFile readHeader(Path path, FileChannel channel) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH);
        if (!readFully(channel, header, 0)
                || header.getInt(0) != MAGIC
                || header.getInt(4) != VERSION
                || header.getInt(HEADER_LENGTH - 4) != crc(header, HEADER_LENGTH - 4)) {
            return null;
        }
        Epoch epoch = new Epoch(header.getInt(8), new UUID(header.getLong(12), header.getLong(20)));
        return new CommitLogFile(path, channel, epoch, header.getLong(28), header.getLong(36));
    }

    private void findEnd(long tailSeq) throws IOException {
        long entries = (channel.size() - HEADER_LENGTH) / ENTRY_LENGTH;
        long limit = Math.min(tailSeq, baseSeq + entries);
        while (lastSeq < limit && readInto(lastSeq + 1)) {
            lastSeq++;
        }
        channel.truncate(offset(lastSeq + 1));
    }

    private boolean readInto(long seq) throws IOException {
        return readFully(channel, single.clear(), offset(seq))
                && single.getLong(0) == seq
                && single.getInt(ENTRY_LENGTH - 4) == crc(single, ENTRY_LENGTH - 4);
    }

    private long offset(long seq) {
        return HEADER_LENGTH + (seq - baseSeq - 1) * ENTRY_LENGTH;
    }

    private static boolean readFully(FileChannel channel, ByteBuffer into, long at) throws IOException {
        long offset = at;
        while (into.hasRemaining()) {
            int count = channel.read(into, offset);
            if (count < 0) {
                return false;
            }
            offset += count;
        }
        return true;
    }

    private static int crc(ByteBuffer bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), 0, length);
        return (int) crc.getValue();
    }
}
