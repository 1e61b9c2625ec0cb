package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.slave.netting.FallbackMemory;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * Two schemas of one database: {@code m}, whose changes are captured, and {@code s}, the slave's. DDL is given once with
 * {@code %s} for the schema.
 */
final class ApplyFixture implements AutoCloseable {
    static final EmbeddedPostgres SERVER = start();

    final Connection admin;
    final Connection session;
    final CapturedMaster master;
    final FallbackMemory memory = new FallbackMemory();
    private final Map<TableSchema, TableBinding> bindings = new HashMap<>();
    private final Set<String> tables = new TreeSet<>();
    private boolean preparing;
    private ApplyOptions options = ApplyOptions.defaults();
    private ApplyStats stats;
    private long pieces;
    private Set<TableName> fellBack = Set.of();

    private ApplyFixture(String user, Random random) throws SQLException {
        this.admin = SERVER.connect("postgres");
        sql("DROP SCHEMA IF EXISTS m CASCADE; DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA m; CREATE SCHEMA s;"
                + " SET search_path = ''; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; SET lc_monetary = 'C'");
        if (!user.equals(EmbeddedPostgres.USER)) {
            sql("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '" + user + "') THEN CREATE ROLE "
                    + user
                    + " LOGIN; END IF; END $$; GRANT USAGE ON SCHEMA s TO " + user
                    + "; ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT ALL ON TABLES TO " + user);
        }
        String url = "jdbc:postgresql://127.0.0.1:" + SERVER.port() + "/postgres";
        this.session = TargetSession.open(url, user, null, "test");
        session.setAutoCommit(false);
        this.master = new CapturedMaster(admin, random);
    }

    /** With session_replication_role = replica. */
    static ApplyFixture replica() throws SQLException {
        return new ApplyFixture(EmbeddedPostgres.USER, new Random(1));
    }

    static ApplyFixture replica(Random random) throws SQLException {
        return new ApplyFixture(EmbeddedPostgres.USER, random);
    }

    /** A role that may not set session_replication_role. */
    static ApplyFixture ordinary() throws SQLException {
        return ordinary(new Random(1));
    }

    static ApplyFixture ordinary(Random random) throws SQLException {
        return new ApplyFixture("applier", random);
    }

    private static EmbeddedPostgres start() {
        try {
            return EmbeddedPostgres.start();
        } catch (IOException e) {
            throw new IllegalStateException("the test server does not start", e);
        }
    }

    /** Another session of the slave. */
    Connection newSession() throws SQLException {
        return TargetSession.open(
                "jdbc:postgresql://127.0.0.1:" + SERVER.port() + "/postgres", EmbeddedPostgres.USER, null, "test 2");
    }

    void options(ApplyOptions newOptions) {
        options = newOptions;
    }

    /** Runs DDL in both schemas. */
    void ddl(String template) throws SQLException {
        sql(template.replace("%s", "m"));
        sql(template.replace("%s", "s"));
    }

    /** Runs SQL as superuser. */
    void sql(String sql) throws SQLException {
        try (Statement statement = admin.createStatement()) {
            statement.execute(sql);
        }
    }

    TableSchema track(String table, char identity, String... key) throws SQLException {
        tables.add(table);
        return master.track(table, identity, key);
    }

    /** Applies what was captured as one batch; falls back to careful replay as the daemon does. */
    void apply() throws SQLException, TableException {
        apply(master.drain());
    }

    void apply(List<CapturedMaster.Captured> changes) throws SQLException, TableException {
        fellBack = Set.of();
        try {
            fast(changes);
            session.commit();
            memory.batchCommitted(names(changes));
        } catch (BatchConflictException e) {
            session.rollback();
            fellBack = e.tables();
            memory.fellBack(fellBack);
            assertEquals(List.of(), careful(changes, ConflictPolicy.STOP), "careful replay after: " + e.getMessage());
            session.commit();
        }
    }

    /** Applies on the fast path without commit; every other batch is prepared first, as it is in a backlog. */
    void fast(List<CapturedMaster.Captured> changes) throws SQLException, TableException, BatchConflictException {
        try (BatchApplier applier = new BatchApplier(session, options, memory)) {
            PreparedRows rows = preparing ? prepared(changes) : null;
            preparing = !preparing;
            if (rows == null) {
                for (CapturedMaster.Captured captured : changes) {
                    applier.add(binding(captured.schema()), captured.change());
                }
            } else {
                applier.adopt(rows);
            }
            applier.finish();
            stats = applier.stats();
            pieces += stats.pieces();
        }
    }

    /** What a lane does ahead of the transaction; null when it cannot. */
    PreparedRows prepared(List<CapturedMaster.Captured> changes) throws SQLException, TableException {
        PreparedRows rows = new PreparedRows(options, TargetSession.isReplica(session));
        for (CapturedMaster.Captured captured : changes) {
            if (!memory.isEmpty() || !rows.add(binding(captured.schema()), captured.change())) {
                return null;
            }
        }
        rows.encode();
        return rows;
    }

    /** Applies one by one without commit; returns the conflicts. */
    List<Conflict> careful(List<CapturedMaster.Captured> changes, ConflictPolicy policy)
            throws SQLException, TableException {
        List<Conflict> conflicts = new ArrayList<>();
        try (RowApplier applier = new RowApplier(session)) {
            applier.begin();
            for (CapturedMaster.Captured captured : changes) {
                RowOutcome outcome = applier.apply(binding(captured.schema()), captured.change(), policy);
                Optional.ofNullable(outcome.conflict()).ifPresent(conflicts::add);
                if (outcome.kind() == RowOutcome.Kind.CONFLICT) {
                    return conflicts;
                }
            }
            applier.finish().forEach(outcome -> conflicts.add(outcome.conflict()));
        }
        return conflicts;
    }

    TableBinding binding(TableSchema schema) throws SQLException, TableException {
        TableBinding binding = bindings.get(schema);
        if (binding == null) {
            binding = TableBinding.of(schema, target(schema.name().table()));
            bindings.put(schema, binding);
        }
        return binding;
    }

    TargetTable target(String table) throws SQLException, TableException {
        return TargetCatalog.load(session, new TableName("s", table));
    }

    /** Forgets bindings: the target's definition changed. */
    void rebind() {
        bindings.clear();
    }

    private static Set<TableName> names(List<CapturedMaster.Captured> changes) {
        Set<TableName> names = new TreeSet<>();
        changes.forEach(captured ->
                names.add(new TableName("s", captured.schema().name().table())));
        return names;
    }

    ApplyStats stats() {
        return stats;
    }

    /** Pieces written over all batches. */
    long pieces() {
        return pieces;
    }

    /** Tables that made the last batch fall back. */
    Set<TableName> fellBack() {
        return fellBack;
    }

    /** The last batch stayed on the fast path, and both schemas hold the same rows. */
    void assertFastAndSame() throws SQLException {
        assertEquals(Set.of(), fellBack, "tables that fell back");
        assertSame();
    }

    /** Both schemas hold the same rows, compared by an ordered hash of every row's text. */
    void assertSame() throws SQLException {
        for (String table : tables) {
            assertEquals(hash("m", table), hash("s", table), table);
        }
    }

    /** Over the columns that the master has. */
    private String hash(String schema, String table) throws SQLException {
        String columns = value("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute"
                + " WHERE attrelid = 'm." + table + "'::regclass AND attnum > 0 AND NOT attisdropped");
        String rows = "SELECT ROW(" + columns + ")::text AS r FROM " + schema + "." + table + " t";
        return value(
                "SELECT count(*) || ' rows ' || coalesce(md5(string_agg(r, E'\\n' ORDER BY r COLLATE \"C\")), '') FROM ("
                        + rows + ") q");
    }

    String value(String sql) throws SQLException {
        try (Statement statement = admin.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    @Override
    public void close() throws SQLException {
        session.rollback();
        session.close();
        admin.close();
    }
}
