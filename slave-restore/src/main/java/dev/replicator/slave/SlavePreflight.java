package dev.replicator.slave;

import dev.replicator.queue.TableName;
import dev.replicator.runtime.Finding;
import dev.replicator.runtime.MachineChecks;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.postgres.TargetCatalog;
import dev.replicator.slave.postgres.TargetPreflight;
import dev.replicator.slave.postgres.TargetSession;
import dev.replicator.slave.postgres.TargetTable;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What keeps a slave from doing its work: its database, the role's rights there, tables that would act by themselves. */
public final class SlavePreflight {
    private static final int FIRST_WITH_PARAMETER_GRANTS = 15;

    /** Tables that this slave has or, before its first start, might get. */
    // to_jsonb: schema replicator may be of an older release still, without the column.
    private static final String KNOWN =
            """
            SELECT s.table_name,
                   ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(to_jsonb(s) -> 'identity', 'null'), '[]')))
            FROM replicator.table_state s""";

    private static final String EXISTING =
            """
            SELECT format('%I.%I', n.nspname, c.relname), '{}'::text[] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'replicator') AND n.nspname NOT LIKE 'pg\\_%'""";

    private final SlaveConfig config;
    private final List<Finding> findings = new ArrayList<>();

    private SlavePreflight(SlaveConfig config) {
        this.config = config;
    }

    /**
     * Checks the database and the machine. The way to the forwarder is for the caller.
     *
     * @throws dev.replicator.runtime.config.ConfigException if the file itself is wrong
     */
    public static List<Finding> check(SlaveConfig config) {
        SlavePreflight preflight = new SlavePreflight(config);
        preflight.findings.addAll(MachineChecks.directory("work-directory", config.workDirectory(), 0));
        config.http()
                .flatMap(http -> MachineChecks.listen("http", Endpoint.parse(http)))
                .ifPresent(preflight.findings::add);
        preflight.database();
        return preflight.findings;
    }

    private void database() {
        SlaveConfig.Target target = config.target();
        String password = target.password() == null ? null : target.password().value();
        try (Connection connection = TargetSession.open(target.url(), target.user(), password, "preflight")) {
            int major = connection.getMetaData().getDatabaseMajorVersion();
            boolean replica = TargetSession.isReplica(connection);
            if (!replica) {
                findings.add(
                        Finding.note(
                                "session_replication_role",
                                "the role " + target.user()
                                        + " may not set it: triggers and foreign keys act on replicated rows, too",
                                major >= FIRST_WITH_PARAMETER_GRANTS
                                        ? "GRANT SET ON PARAMETER session_replication_role TO "
                                                + TableName.quote(target.user()) + ";"
                                        : "Tables without ordinary triggers and without cascading foreign keys work all the same."));
            }
            boolean begun = schema(connection);
            tables(connection, replica, major, begun);
        } catch (SQLException e) {
            findings.add(Finding.missing(
                    "target",
                    "cannot work with " + target.url() + " as " + target.user() + ": " + e.getMessage() + " (SQLSTATE "
                            + e.getSQLState() + ")",
                    "Check the URL, the role and its password, and pg_hba.conf of that server."));
        }
    }

    /** Returns true if a slave has been here before. */
    private boolean schema(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT to_regnamespace('replicator') IS NOT NULL,"
                        + " to_regclass('replicator.installation') IS NOT NULL,"
                        + " has_database_privilege(current_database(), 'CREATE'),"
                        + " coalesce(has_schema_privilege(to_regnamespace('replicator'), 'CREATE'), false),"
                        + " quote_ident(current_database())")) {
            row.next();
            boolean exists = row.getBoolean(1);
            String role = TableName.quote(config.target().user());
            if (!exists && !row.getBoolean(3)) {
                findings.add(Finding.missing(
                        "schema replicator",
                        "it is not there and the role may not create it",
                        "GRANT CREATE ON DATABASE " + row.getString(5) + " TO " + role + ";"));
            } else if (exists && !row.getBoolean(4)) {
                findings.add(Finding.missing(
                        "schema replicator",
                        "the role may not create tables in it",
                        "GRANT USAGE, CREATE ON SCHEMA replicator TO " + role + ";"));
            }
            return row.getBoolean(2);
        }
    }

    private void tables(Connection connection, boolean replica, int major, boolean begun) throws SQLException {
        Map<TableName, List<String>> identities = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(begun ? KNOWN : EXISTING)) {
            while (rows.next()) {
                String[] identity = (String[]) rows.getArray(2).getArray();
                identities.put(TableName.parse(rows.getString(1)), List.of(identity));
            }
        }
        List<TargetTable> loaded = new ArrayList<>();
        for (Map.Entry<TableName, List<String>> entry : identities.entrySet()) {
            try {
                TargetTable table = TargetCatalog.load(connection, entry.getKey());
                loaded.add(table);
                String role = config.target().user();
                add(TargetPreflight.check(table, entry.getValue(), replica, role, major), begun);
            } catch (TableException e) {
                // Not there yet: it is created from the master's definition when its dump comes.
                continue;
            }
        }
        add(TargetPreflight.cycles(loaded, replica), begun);
    }

    /** Before the first start nobody knows which of the tables this slave will carry: then all is only worth knowing. */
    private void add(List<TargetPreflight.Finding> found, boolean begun) {
        for (TargetPreflight.Finding finding : found) {
            String subject =
                    finding.table() == null ? "target" : finding.table().toString();
            String problem = begun ? finding.problem() : "if this slave is to carry it: " + finding.problem();
            findings.add(new Finding(subject, finding.blocking() && begun, problem, finding.fix()));
        }
    }
}
