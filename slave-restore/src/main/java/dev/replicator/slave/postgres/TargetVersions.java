package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import dev.replicator.slave.state.Following;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Tells whether target tables are still what {@link TargetCatalog} read: an operator may add a column, an index, a trigger
 * or a foreign key while the slave runs, and a batch written by what was known before would lose the column's values or set
 * the trigger off (rules R04, R19).
 *
 * <p>Belongs to one session. Asked in every batch, so that all tables of a batch go together, the question, which costs the
 * server more to plan than to answer, stays planned in the session, and it is not asked at all while nobody but this session
 * changes anything in the server.
 */
public final class TargetVersions {
    private static final String QUESTION = "replicator_versions";

    // An array of ids, whose length is not known, is looked up in the catalogues' indexes; a join with a set of ids
    // would read them whole. Foreign keys that point here show by their triggers, privileges and row security by the
    // table's own row.
    private static final String ROWS =
            """
            SELECT (SELECT md5(string_agg(v, ' ' ORDER BY v)) FROM (
                    SELECT 'c' || oid || ',' || xmin AS v FROM pg_class WHERE oid = ANY (t.tree)
                    UNION ALL
                    SELECT 'a' || attrelid || ',' || attnum || ',' || xmin FROM pg_attribute WHERE attrelid = ANY (t.tree)
                    UNION ALL
                    SELECT 'i' || indexrelid || ',' || xmin FROM pg_index WHERE indrelid = ANY (t.tree)
                    UNION ALL
                    SELECT 'x' || oid || ',' || xmin FROM pg_constraint WHERE conrelid = ANY (t.tree)
                    UNION ALL
                    SELECT 't' || oid || ',' || xmin FROM pg_trigger WHERE tgrelid = ANY (t.tree)
                    UNION ALL
                    SELECT 'r' || oid || ',' || xmin FROM pg_rewrite WHERE ev_class = ANY (t.tree)) AS versions)
            FROM (SELECT n, ARRAY(SELECT to_regclass(name)::oid UNION SELECT relid FROM pg_partition_tree(to_regclass(name))) AS tree
                  FROM unnest($1) WITH ORDINALITY AS names(name, n) OFFSET 0) AS t
            ORDER BY t.n
            """;

    private final Connection connection;
    private final SoleWriter writer = new SoleWriter();
    /** As of the last look; empty when others were at work then. */
    private final Map<TableName, String> seen = new HashMap<>();

    private boolean prepared;

    public TargetVersions(Connection connection) {
        this.connection = connection;
    }

    /**
     * Locks tables against changes of their definition until the transaction ends, and reads their versions. The lock is the
     * one that writing takes: readers and writers do not wait. Of a partitioned table it is the root's.
     *
     * @throws TableException when a table is not there, or the role may not write it; of several it names the first
     */
    public Map<TableName, String> lock(Collection<TableName> names) throws SQLException, TableException {
        Look look = look(names);
        try (Statement statement = connection.createStatement()) {
            statement.execute(String.join("; ", look.texts()));
            look.answered(statement);
        } catch (SQLException e) {
            throw explained(e, look.tables.get(0));
        }
        return look.versions();
    }

    /** What {@link #lock} does, to travel behind another statement. */
    public Look look(Collection<TableName> names) throws SQLException {
        prepare();
        // Always in the same order: two lanes must not wait for each other.
        return new Look(List.copyOf(new TreeSet<>(names)));
    }

    /** A session keeps the plan for as long as it lives, whoever asked first. */
    private void prepare() throws SQLException {
        if (prepared) {
            return;
        }
        try (Statement statement = connection.createStatement()) {
            try (ResultSet there =
                    statement.executeQuery("SELECT FROM pg_prepared_statements WHERE name = '" + QUESTION + "'")) {
                prepared = there.next();
            }
            if (!prepared) {
                statement.execute("PREPARE " + QUESTION + "(text[]) AS " + ROWS);
                prepared = true;
            }
        }
    }

    /** Locks tables and reads their versions. */
    public final class Look implements Following {
        private final List<TableName> tables;
        private final boolean trusting;
        private final Map<TableName, String> versions = new HashMap<>();

        private Look(List<TableName> tables) {
            this.tables = tables;
            this.trusting = writer.isAlone() && seen.keySet().containsAll(tables);
        }

        @Override
        public List<String> texts() {
            String lock = tables.stream()
                    .map(name -> "ONLY " + name.quoted())
                    .collect(Collectors.joining(", ", "LOCK TABLE ", " IN ROW EXCLUSIVE MODE"));
            // Who writes is asked before the versions: a change that the versions do not show yet must not count as
            // seen.
            return trusting ? List.of(lock, SoleWriter.QUESTION) : List.of(lock, SoleWriter.QUESTION, question());
        }

        private String question() {
            return tables.stream()
                    .map(name -> literal(name.quoted()))
                    .collect(Collectors.joining(", ", "EXECUTE " + QUESTION + "(ARRAY[", "])"));
        }

        @Override
        public void answered(Statement statement) throws SQLException {
            statement.getMoreResults(); // behind that of LOCK
            boolean unchanged;
            try (ResultSet row = statement.getResultSet()) {
                row.next();
                unchanged = writer.observe(row.getString(1));
            }
            if (!unchanged) {
                seen.clear();
            }
            if (!trusting) {
                statement.getMoreResults();
                read(statement);
            } else if (unchanged) {
                tables.forEach(table -> versions.put(table, seen.get(table)));
            } else {
                try (Statement again = connection.createStatement()) {
                    again.execute(question());
                    read(again);
                }
            }
        }

        private void read(Statement statement) throws SQLException {
            try (ResultSet rows = statement.getResultSet()) {
                for (TableName table : tables) {
                    rows.next();
                    versions.put(table, rows.getString(1));
                }
            }
            seen.putAll(versions);
        }

        /** By table, once the answer was read. */
        public Map<TableName, String> versions() {
            return versions;
        }
    }

    private static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    private static TableException explained(SQLException failure, TableName name) throws SQLException {
        switch (String.valueOf(failure.getSQLState())) {
            case "42P01", "3F000":
                return TargetCatalog.missing(name);
            case "42501":
                return new TableException(
                        name,
                        "The role may not write " + name,
                        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON " + name.quoted()
                                + " and USAGE on its schema to the slave's role, then resume.",
                        failure);
            default:
                throw failure;
        }
    }
}
