package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
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
 * <p>Belongs to one session. Asked in every batch, so that all tables of a batch go together and the question, which costs
 * the server more to plan than to answer, stays prepared.
 */
public final class TargetVersions implements AutoCloseable {
    // An array of ids, whose length is not known, is looked up in the catalogues' indexes; a join with a set of ids
    // would read
    // them whole. Foreign keys that point here show by their triggers, privileges and row security by the table's own
    // row.
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
                  FROM unnest(?::text[]) WITH ORDINALITY AS names(name, n) OFFSET 0) AS t
            ORDER BY t.n
            """;

    private final Connection connection;
    private PreparedStatement question;

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
        // Always in the same order: two lanes must not wait for each other.
        List<TableName> tables = List.copyOf(new TreeSet<>(names));
        try (Statement statement = connection.createStatement()) {
            statement.execute("LOCK TABLE "
                    + tables.stream().map(name -> "ONLY " + name.quoted()).collect(Collectors.joining(", "))
                    + " IN ROW EXCLUSIVE MODE");
        } catch (SQLException e) {
            throw explained(e, tables.get(0));
        }
        return read(tables);
    }

    private Map<TableName, String> read(List<TableName> tables) throws SQLException {
        if (question == null) {
            question = connection.prepareStatement(ROWS);
        }
        question.setArray(
                1,
                connection.createArrayOf(
                        "text", tables.stream().map(TableName::quoted).toArray()));
        Map<TableName, String> versions = new HashMap<>();
        try (ResultSet rows = question.executeQuery()) {
            for (TableName table : tables) {
                rows.next();
                versions.put(table, rows.getString(1));
            }
        }
        return versions;
    }

    @Override
    public void close() throws SQLException {
        if (question != null) {
            question.close();
            question = null;
        }
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
