package dev.replicator.slave;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.SlaveTable;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.slave.lane.BatchLimits;
import dev.replicator.slave.postgres.ConflictPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A fake master and forwarder, a real target database of its own, and a slave daemon that can be started and stopped. */
final class SlaveFixture implements AutoCloseable {
    static final Duration WAIT = Duration.ofSeconds(30);

    final EmbeddedPostgres server;
    final String database;
    final Path directory;
    final FakeMaster master;
    FakeForwarder forwarder;
    SlaveDaemon daemon;
    ConflictPolicy policy = ConflictPolicy.STOP;
    BatchLimits limits = new BatchLimits(1000, Duration.ofMillis(20), BatchLimits.DEFAULT_BYTES);

    SlaveFixture(EmbeddedPostgres server, String database, Path directory) throws IOException, SQLException {
        this.server = server;
        this.database = database;
        this.directory = directory;
        server.execute("postgres", "CREATE DATABASE " + database);
        master = new FakeMaster(directory.resolve("master"));
        forwarder = new FakeForwarder(master, 0);
    }

    SlaveConfig config(Path workDirectory) {
        return new SlaveConfig(
                "shop",
                "reporting",
                new SlaveConfig.Target(server.jdbcUrl(database), EmbeddedPostgres.USER, null),
                new SlaveConfig.Forwarder(new Endpoint("127.0.0.1", forwarder.port()), new Secret("token"), null),
                limits,
                policy,
                2,
                workDirectory,
                Optional.empty());
    }

    void start() throws IOException {
        daemon = new SlaveDaemon(config(directory.resolve("work")));
        daemon.start();
    }

    void stop() {
        if (daemon != null) {
            daemon.close();
            daemon = null;
        }
    }

    void awaitState(TableName table, String state) {
        Await.until(
                table + " to be " + state,
                WAIT,
                () -> table(table).map(SlaveTable::getState).orElse("").equals(state),
                this::describe);
    }

    Optional<SlaveTable> table(TableName table) {
        return forwarder.lastReport.getTablesList().stream()
                .filter(each -> each.getTable().equals(table.toString()))
                .findFirst();
    }

    /** Waits until the target's rows are the master's. */
    void awaitEqual(TableName table) {
        Await.until(
                "rows of " + table + " to be the master's",
                WAIT,
                () -> rows(table).equals(master.rows(table)),
                this::describe);
    }

    void awaitInSync(TableName... tables) {
        for (TableName table : tables) {
            awaitState(table, "in-sync");
            awaitEqual(table);
        }
    }

    void awaitDone(String command) {
        Await.until("command " + command, WAIT, () -> forwarder.isDone(command), this::describe);
    }

    /** The whole last report and what the fixture knows, for messages. */
    String describe() {
        SlaveReport report = forwarder.lastReport;
        return "report: " + report + "\nacknowledged: " + forwarder.acknowledged + "\ntail: " + master.tail();
    }

    Map<Integer, String> rows(TableName table) throws SQLException {
        Map<Integer, String> rows = new TreeMap<>();
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT id, v FROM " + table.quoted())) {
            while (result.next()) {
                rows.put(result.getInt(1), result.getString(2));
            }
        }
        return rows;
    }

    String value(String sql) throws SQLException {
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            return result.next() ? result.getString(1) : null;
        }
    }

    void execute(String sql) throws SQLException {
        server.execute(database, sql);
    }

    @Override
    public void close() throws IOException {
        stop();
        forwarder.close();
        master.close();
    }
}
