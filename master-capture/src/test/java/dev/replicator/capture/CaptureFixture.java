package dev.replicator.capture;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Endpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** One database of a real server, and a capture of it that can be started and stopped. */
class CaptureFixture implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long LOOK_NANOS = 20_000_000;

    final EmbeddedPostgres server;
    final String database;
    private final Path directory;
    long largeBytes = QueueOptions.DEFAULT_LARGE_TRANSACTION_BYTES;
    long spoolMaxBytes = 1L << 30;
    List<String> tables = List.of("public.*");
    long decodingBytes = 256 << 20;
    CaptureConfig.Confirm confirm = CaptureConfig.Confirm.LOCAL;
    Optional<Endpoint> forwarder = Optional.empty();
    private CaptureDaemon daemon;

    CaptureFixture(EmbeddedPostgres server, Path directory, String database) throws SQLException {
        this.server = server;
        this.directory = directory;
        this.database = database;
        server.execute("postgres", "CREATE DATABASE " + database);
    }

    /** What one transaction did: kind, table and images of each change, as text. */
    record Captured(RecordHeader header, List<String> changes) {}

    interface Condition {
        boolean holds() throws Exception;
    }

    CaptureConfig config() {
        CaptureConfig.Source source = new CaptureConfig.Source(
                "jdbc:postgresql://127.0.0.1:" + server.port() + "/" + database,
                EmbeddedPostgres.USER,
                new Secret(""),
                "replicator_" + database,
                "replicator_" + database,
                decodingBytes);
        return new CaptureConfig(
                database,
                source,
                new TableSelection(tables, List.of()),
                true,
                confirm,
                new QueueOptions(directory, 1 << 20, largeBytes),
                spoolMaxBytes,
                forwarder.map(address -> new CaptureConfig.Forwarder(address, new Secret("token"), null)),
                new CaptureConfig.Dumps(directory.resolve("dumps"), 2, Duration.ofSeconds(5), 1L << 30),
                Optional.empty());
    }

    CaptureDaemon start() throws IOException {
        daemon = new CaptureDaemon(directory.resolve("capture.yaml"), config());
        daemon.start();
        return daemon;
    }

    /** Starts and waits until the tables are captured. */
    void startAndAwait(String... names) throws Exception {
        start();
        for (String name : names) {
            awaitCaptured(name);
        }
    }

    void awaitCaptured(String table) throws Exception {
        await(table + " is captured", () -> daemon.board().tables().values().stream()
                .anyMatch(entry ->
                        entry.getTable().equals(table) && entry.getError().isEmpty()));
    }

    CaptureDaemon daemon() {
        return daemon;
    }

    void stop() {
        if (daemon != null) {
            daemon.close();
            daemon = null;
        }
    }

    /** Drops the slot as soon as the server has noticed that nobody reads it any more. */
    void dropSlot() throws Exception {
        String slots = "FROM pg_replication_slots WHERE slot_name = 'replicator_" + database + "'";
        await("nobody reads the slot", () -> query("SELECT 1 " + slots + " AND active") == null);
        sql("SELECT pg_drop_replication_slot(slot_name) " + slots);
    }

    void sql(String... statements) throws SQLException {
        server.execute(database, statements);
    }

    String query(String sql) throws SQLException {
        try (var connection = server.connect(database);
                var statement = connection.createStatement();
                var row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }

    /** Waits until everything committed so far is durable in the spool. */
    void awaitAll() throws Exception {
        String lsn = query("SELECT pg_current_wal_lsn()");
        long target = dev.replicator.queue.Lsn.parse(lsn);
        await(
                "the spool reaches " + lsn,
                () -> Long.compareUnsigned(daemon.spool().queue().durableLsn(), target) >= 0);
    }

    static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + PATIENCE.toSeconds() + " s: " + what);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** Transactions in the spool. */
    List<Captured> transactions() throws IOException {
        return records().stream()
                .filter(record -> record.header().isTransaction())
                .toList();
    }

    /** All changes of all transactions in order. */
    List<String> changes() throws IOException {
        return transactions().stream()
                .flatMap(record -> record.changes().stream())
                .toList();
    }

    /** All records of a running capture's spool. */
    List<Captured> records() throws IOException {
        ReplicationQueue queue = daemon.spool().queue();
        List<Captured> records = new ArrayList<>();
        try (QueueReader reader = queue.readFromStart()) {
            for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
                List<String> changes = new ArrayList<>();
                if (header.isTransaction()) {
                    reader.blocks(null, decoder(queue, changes));
                }
                records.add(new Captured(header, changes));
            }
        }
        return records;
    }

    Epoch epoch() {
        return daemon.spool().queue().epoch();
    }

    private static RecordHandler decoder(ReplicationQueue queue, List<String> changes) {
        return new RecordHandler() {
            @Override
            public void header(RecordHeader header) {}

            @Override
            public void block(BlockHeader header, ByteBuffer block) throws IOException {
                TableSchema schema =
                        queue.schema(header.tableId(), header.fingerprint()).orElseThrow();
                ChangeDecoder decoder = new ChangeDecoder(schema);
                ByteBuffer payload = Blocks.payload(header, block);
                for (int i = 0; i < header.changeCount(); i++) {
                    changes.add(text(schema, decoder.next(payload)));
                }
            }

            @Override
            public void end(RecordHeader header) {}
        };
    }

    private static String text(TableSchema schema, RowChange change) {
        String text = change.kind().name().toLowerCase(Locale.ROOT) + " "
                + schema.name().table();
        if (change.before() != null) {
            text += " -" + image(change.before());
        }
        return change.after() == null ? text : text + " +" + image(change.after());
    }

    private static String image(Object[] values) {
        return Arrays.stream(values)
                .map(value -> value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value))
                .toList()
                .toString();
    }

    @Override
    public void close() throws SQLException {
        stop();
    }
}
