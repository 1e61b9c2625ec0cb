package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Tells whether a target table is still what {@link TargetCatalog} read: an operator may add a column, an index, a trigger
 * or a foreign key while the slave runs, and a batch written by what was known before would lose the column's values or set
 * the trigger off (rules R04, R19).
 */
public final class TargetVersion {
    // Foreign keys that point here show by their triggers, privileges and row security by the table's own row.
    private static final String ROWS =
            """
            WITH t AS (SELECT to_regclass(?)::oid AS id),
                 tree AS (SELECT id FROM t UNION SELECT relid FROM t, pg_partition_tree(t.id))
            SELECT md5(string_agg(v, ' ' ORDER BY v)) FROM (
                SELECT 'c' || c.oid || ',' || c.xmin AS v FROM tree JOIN pg_class c ON c.oid = tree.id
                UNION ALL
                SELECT 'a' || a.attrelid || ',' || a.attnum || ',' || a.xmin FROM tree JOIN pg_attribute a ON a.attrelid = tree.id
                UNION ALL
                SELECT 'i' || i.indexrelid || ',' || i.xmin FROM tree JOIN pg_index i ON i.indrelid = tree.id
                UNION ALL
                SELECT 'x' || x.oid || ',' || x.xmin FROM tree JOIN pg_constraint x ON x.conrelid = tree.id
                UNION ALL
                SELECT 't' || g.oid || ',' || g.xmin FROM tree JOIN pg_trigger g ON g.tgrelid = tree.id
                UNION ALL
                SELECT 'r' || r.oid || ',' || r.xmin FROM tree JOIN pg_rewrite r ON r.ev_class = tree.id) AS versions
            """;

    private TargetVersion() {}

    /**
     * Locks a table against changes of its definition until the transaction ends, and reads its version. The lock is the one
     * that writing takes: readers and writers do not wait. Of a partitioned table it is the root's.
     *
     * @throws TableException when the table is not there, or the role may not write it
     */
    public static String lock(Connection connection, TableName name) throws SQLException, TableException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("LOCK TABLE ONLY " + name.quoted() + " IN ROW EXCLUSIVE MODE");
        } catch (SQLException e) {
            throw explained(e, name);
        }
        try (PreparedStatement statement = connection.prepareStatement(ROWS)) {
            statement.setString(1, name.quoted());
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getString(1);
            }
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
