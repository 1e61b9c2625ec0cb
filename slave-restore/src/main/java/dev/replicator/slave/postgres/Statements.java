package dev.replicator.slave.postgres;

import dev.replicator.slave.state.PreparedStatements;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.postgresql.PGStatement;
import org.postgresql.core.BaseConnection;

/** Runs statements on one connection and keeps the prepared ones. */
final class Statements implements AutoCloseable {
    private static final int KEPT = 256;
    /** Each holds the plans of several statements. */
    private static final int COMBINATIONS_KEPT = 64;

    private static final int COMBINATIONS_MET = 1024;

    private final Connection connection;
    private final PreparedStatements prepared;
    private final PreparedStatements combined;
    private final Set<String> met = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > COMBINATIONS_MET;
        }
    });

    Statements(Connection connection) {
        this.connection = connection;
        this.prepared = new PreparedStatements(connection, KEPT);
        this.combined = new PreparedStatements(connection, COMBINATIONS_KEPT);
    }

    Connection connection() {
        return connection;
    }

    /** Runs a fixed text without parameters. */
    void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Runs a statement that changes rows; returns their number. */
    int update(Sql sql) throws SQLException {
        return bind(sql).executeUpdate();
    }

    /** Runs a statement that returns rows and reads them all, columns as the server's text. */
    List<String[]> rows(Sql sql) throws SQLException {
        List<String[]> result = new ArrayList<>();
        try (ResultSet rows = bind(sql).executeQuery()) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                String[] row = new String[columns];
                for (int i = 0; i < columns; i++) {
                    row[i] = rows.getString(i + 1);
                }
                result.add(row);
            }
        }
        return result;
    }

    /**
     * Runs statements of which none depends on another's answer: in one message where the same ones came together before,
     * since the server plans each combination anew.
     *
     * @return per statement the rows it changed, or the number it returned
     */
    long[] counts(List<Sql> all) throws SQLException {
        String text = all.stream().map(Sql::toString).collect(Collectors.joining("; "));
        if (all.size() > 1 && !met.add(text)) {
            return together(text, all);
        }
        long[] counts = new long[all.size()];
        for (int i = 0; i < counts.length; i++) {
            PreparedStatement statement = bind(all.get(i));
            statement.execute();
            counts[i] = count(statement);
        }
        return counts;
    }

    private long[] together(String text, List<Sql> all) throws SQLException {
        PreparedStatement statement = combined.of(text);
        statement.unwrap(PGStatement.class).setPrepareThreshold(1);
        int position = 1;
        for (Sql sql : all) {
            position = bind(statement, position, sql);
        }
        statement.execute();
        long[] counts = new long[all.size()];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = count(statement);
            statement.getMoreResults();
        }
        return counts;
    }

    private static long count(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.getResultSet()) {
            if (row == null) {
                return statement.getUpdateCount();
            }
            row.next();
            return row.getLong(1);
        }
    }

    private PreparedStatement bind(Sql sql) throws SQLException {
        PreparedStatement statement = prepared.of(sql.toString());
        bind(statement, 1, sql);
        return statement;
    }

    /** Returns the position behind the statement's last parameter. */
    private int bind(PreparedStatement statement, int first, Sql sql) throws SQLException {
        int position = first;
        for (Object parameter : sql.parameters()) {
            if (parameter instanceof BinaryArray array) {
                statement.setArray(position++, array.of(connection.unwrap(BaseConnection.class)));
            } else {
                statement.setString(position++, (String) parameter);
            }
        }
        return position;
    }

    /** Drops all prepared statements: their plans may be of a table as it was. */
    @Override
    public void close() throws SQLException {
        prepared.close();
        combined.close();
    }
}
