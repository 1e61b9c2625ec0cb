package dev.replicator.it.rules;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.embedded.EmbeddedPostgres.StopMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * Lets a server go on with another transaction id, as pg_resetwal does, which the embedded servers lack: the id is
 * written into the shutdown checkpoint that the server begins from, which stands in the log and in pg_control, and the
 * server's commit log gets the page of that id.
 */
final class NextTransactionId {
    private static final int WAL_SEGMENT = 16 << 20;
    private static final int WAL_PAGE = 8192;
    private static final long IDS_PER_CLOG_FILE = 1L << 20;
    private static final int CLOG_FILE = 256 << 10;

    // The checkpoint: id of the next transaction, and the oldest one (src/include/catalog/pg_control.h).
    private static final int NEXT_ID = 24;
    private static final int OLDEST_ID = 44;

    // pg_control: where the checkpoint record stands, and a copy of it, whose timeline comes behind its LSN.
    private static final int CHECKPOINT_LSN = 32;
    private static final int CHECKPOINT_COPY = 40;
    private static final int TIMELINE = CHECKPOINT_COPY + 8;
    private static final int CONTROL_MAX = 512;

    // The record: header (src/include/access/xlogrecord.h), two bytes before its data, the checkpoint.
    private static final int CRC = 20;
    private static final int DATA = 24;
    private static final int CHECKPOINT = 26;

    private NextTransactionId() {}

    /** Restarts the server; the next transaction gets this full id. No slot and no prepared transaction may exist. */
    static void set(EmbeddedPostgres server, String database, long id) throws IOException, SQLException {
        // Rows that are not frozen would belong to the future.
        for (String each : new String[] {"postgres", "template1", database}) {
            server.execute(each, "VACUUM (FREEZE)");
        }
        // The checkpoint then stands at the beginning of a segment, in one page.
        server.execute("postgres", "SELECT pg_switch_wal()");
        server.stop(StopMode.FAST);
        Path data = server.dataDirectory();
        patchCheckpoint(data, id);
        long file = (id & 0xFFFFFFFFL) / IDS_PER_CLOG_FILE;
        Files.write(data.resolve(String.format(Locale.ROOT, "pg_xact/%04X", file)), new byte[CLOG_FILE]);
        server.startAgain();
    }

    private static void patchCheckpoint(Path data, long id) throws IOException {
        Path file = data.resolve("global/pg_control");
        ByteBuffer control = littleEndian(Files.readAllBytes(file));
        patchRecord(data, control.getInt(TIMELINE), control.getLong(CHECKPOINT_LSN), id);
        int end = CHECKPOINT_COPY;
        while (control.getInt(end) != crc(control, 0, end)) {
            end += Integer.BYTES;
            if (end > CONTROL_MAX) {
                throw new IOException("no checksum in " + file);
            }
        }
        patch(control, CHECKPOINT_COPY, id);
        control.putInt(end, crc(control, 0, end));
        Files.write(file, control.array());
    }

    private static void patchRecord(Path data, int timeline, long lsn, long id) throws IOException {
        String segment = String.format(
                Locale.ROOT, "pg_wal/%08X%08X%08X", timeline, lsn >>> 32, (lsn & 0xFFFFFFFFL) / WAL_SEGMENT);
        try (FileChannel log =
                FileChannel.open(data.resolve(segment), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer record = littleEndian(new byte[WAL_PAGE - (int) (lsn % WAL_PAGE)]);
            log.read(record, lsn % WAL_SEGMENT);
            int length = record.getInt(0);
            if (length > record.capacity() || record.getInt(CRC) != recordCrc(record, length)) {
                throw new IOException("no checkpoint record, or one of another form, at " + Long.toHexString(lsn));
            }
            patch(record, CHECKPOINT, id);
            record.putInt(CRC, recordCrc(record, length));
            log.write(record.position(0).limit(length), lsn % WAL_SEGMENT);
        }
    }

    private static void patch(ByteBuffer bytes, int checkpoint, long id) {
        bytes.putLong(checkpoint + NEXT_ID, id);
        bytes.putInt(checkpoint + OLDEST_ID, (int) (id - 1000));
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** First the data, then the header up to the checksum. */
    private static int recordCrc(ByteBuffer record, int length) {
        CRC32C crc = new CRC32C();
        crc.update(record.array(), DATA, length - DATA);
        crc.update(record.array(), 0, CRC);
        return (int) crc.getValue();
    }

    private static int crc(ByteBuffer bytes, int from, int to) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), from, to - from);
        return (int) crc.getValue();
    }
}
