package dev.replicator.dumps.postgres;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.TableName;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** One server with a master and a target database, and the whole path of a dump between them. */
final class Servers implements AutoCloseable {
    static final String MASTER = "master";
    static final String TARGET = "target";

    private final EmbeddedPostgres server;

    private Servers(EmbeddedPostgres server) {
        this.server = server;
    }

    static Servers start() throws Exception {
        EmbeddedPostgres server = EmbeddedPostgres.start();
        server.execute("postgres", "CREATE DATABASE master", "CREATE DATABASE target");
        return new Servers(server);
    }

    /** Empties both databases of what tests made. */
    void reset() throws SQLException {
        for (String database : List.of(MASTER, TARGET)) {
            server.execute("postgres", "DROP DATABASE " + database + " WITH (FORCE)", "CREATE DATABASE " + database);
        }
    }

    EmbeddedPostgres server() {
        return server;
    }

    Connection connect(String database) throws SQLException {
        Connection connection = server.connect(database);
        SessionPins.pin(connection, "test");
        return connection;
    }

    void run(String database, String... statements) throws SQLException {
        server.execute(database, statements);
    }

    long oid(String table) throws SQLException {
        try (Connection connection = server.connect(MASTER);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT '" + table + "'::regclass::oid::bigint")) {
            row.next();
            return row.getLong(1);
        }
    }

    /** All rows as text, in the pinned session. */
    List<List<String>> rows(String database, String sql) throws SQLException {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement();
                ResultSet set = statement.executeQuery(sql)) {
            List<List<String>> rows = new ArrayList<>();
            while (set.next()) {
                List<String> row = new ArrayList<>();
                for (int column = 1; column <= set.getMetaData().getColumnCount(); column++) {
                    row.add(set.getString(column));
                }
                rows.add(row);
            }
            return rows;
        }
    }

    String value(String database, String sql) throws SQLException {
        return rows(database, sql).get(0).get(0);
    }

    DumpSnapshot snapshot(ReadOptions options) throws SQLException {
        return DumpSnapshot.open(() -> server.connect(MASTER), options);
    }

    /** Reads a table of the master under a new snapshot. */
    StoredDump dump(DumpStore store, String id, String table) throws Exception {
        try (DumpSnapshot snapshot = snapshot(ReadOptions.DEFAULT);
                TableRead read = snapshot.openTable(oid(table))) {
            return dump(store, id, snapshot, read);
        }
    }

    static StoredDump dump(DumpStore store, String id, DumpSnapshot snapshot, TableRead read) throws Exception {
        StoredDump dump = store.create(DumpManifest.draft(
                new DumpManifest.Identity(id, "g-1", "shop", Epoch.begin(1)),
                read.schema(1),
                read.definition(),
                snapshot.info().boundary(0, "g-1"),
                snapshot.info()));
        read.copyTo(dump, ReadProgress.NONE);
        dump.complete();
        return dump;
    }

    /** Creates the table in schema replicator, loads it and moves it to its name. */
    TableDefinition restore(StoredDump dump) throws Exception {
        TableDefinition definition = dump.manifest().definition();
        TableName interim = new TableName("replicator", "copy_" + dump.id());
        try (Connection connection = connect(TARGET)) {
            connection.setAutoCommit(false);
            TableBuilder builder = new TableBuilder(connection);
            builder.createTypes(definition);
            builder.createTable(definition, interim);
            load(connection, dump, interim);
            addIndexesAndKeys(connection, definition, interim);
            builder.moveInto(definition, interim, definition.name());
            connection.commit();
        }
        return definition;
    }

    static void addIndexesAndKeys(Connection connection, TableDefinition definition, TableName on) throws SQLException {
        for (IndexBuild build : IndexBuild.of(definition, on)) {
            build.run(connection);
        }
        new TableBuilder(connection).addKeys(definition, on);
    }

    static long load(Connection connection, StoredDump dump, TableName target) throws Exception {
        DumpManifest manifest = dump.manifest();
        ChunkLoader loader = ChunkLoader.prepare(connection, manifest.definition(), manifest.columns(), target);
        long rows = 0;
        for (int chunk : dump.chunkNumbers()) {
            try (InputStream text = dump.openText(chunk)) {
                rows += loader.load(connection, text);
            }
        }
        return rows;
    }

    @Override
    public void close() throws java.io.IOException {
        server.close();
    }
}
