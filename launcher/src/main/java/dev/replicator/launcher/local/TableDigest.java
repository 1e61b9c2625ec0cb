package dev.replicator.launcher.local;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Row count and hash of a table: two tables with the same digest hold the same rows. Each row is taken as the server's text of
 * its columns by name, so a different column order or an extra index makes no difference.
 *
 * @param rows number of rows
 * @param hash MD5 of the sums of two 64-bit hashes of each row, which need no sorting; empty for an empty table
 */
public record TableDigest(long rows, String hash) {

    private static final String COLUMNS =
            // $1 = schema, $2 = table
            "SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                    + " JOIN pg_namespace n ON n.oid = c.relnamespace"
                    + " WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped"
                    + " ORDER BY a.attname";

    /**
     * Reads a table's digest with the columns the table has.
     *
     * @return null when the table does not exist
     */
    public static TableDigest read(Connection connection, TableName table) throws SQLException {
        List<String> columns = columns(connection, table);
        return columns.isEmpty() ? null : read(connection, table, columns);
    }

    /** Reads the digest over the given columns only. */
    public static TableDigest read(Connection connection, TableName table, List<String> columns) throws SQLException {
        String row = "ROW("
                + String.join(
                        ", ",
                        columns.stream()
                                .map(column -> TableName.quote(column) + "::text")
                                .toList())
                + ")::text";
        String sql = "SELECT count(*), CASE WHEN count(*) = 0 THEN ''"
                + " ELSE md5(concat_ws(' ', sum(hashtextextended(r, 1)), sum(hashtextextended(r, 2)))) END"
                + " FROM (SELECT " + row + " AS r FROM " + table.quoted() + ") AS rows";
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return new TableDigest(result.getLong(1), result.getString(2));
        }
    }

    /** Names of a table's columns in alphabetical order; empty when there is no such table. */
    public static List<String> columns(Connection connection, TableName table) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
            statement.setString(1, table.schema());
            statement.setString(2, table.table());
            try (ResultSet result = statement.executeQuery()) {
                List<String> columns = new ArrayList<>();
                while (result.next()) {
                    columns.add(result.getString(1));
                }
                return columns;
            }
        }
    }
}
