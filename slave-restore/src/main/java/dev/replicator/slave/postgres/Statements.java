package dev.replicator.slave.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postgresql.core.BaseConnection;

/** Runs statements on one connection and keeps the prepared ones by their text, least recently used out first. */
final class Statements implements AutoCloseable {
    private static final int KEPT = 256;

    private final Connection connection;
    private final Map<String, PreparedStatement> prepared = new LinkedHashMap<>(64, 0.75f, true);

    Statements(Connection connection) {
        this.connection = connection;
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

    private PreparedStatement bind(Sql sql) throws SQLException {
        PreparedStatement statement = prepare(sql.toString());
        int position = 1;
        for (Object parameter : sql.parameters()) {
            if (parameter instanceof BinaryArray array) {
                statement.setArray(position++, array.of(connection.unwrap(BaseConnection.class)));
            } else {
                statement.setString(position++, (String) parameter);
            }
        }
        return statement;
    }

    private PreparedStatement prepare(String text) throws SQLException {
        PreparedStatement statement = prepared.get(text);
        if (statement == null) {
            if (prepared.size() >= KEPT) {
                Iterator<PreparedStatement> oldest = prepared.values().iterator();
                PreparedStatement dropped = oldest.next();
                oldest.remove();
                dropped.close();
            }
            statement = connection.prepareStatement(text);
            prepared.put(text, statement);
        }
        return statement;
    }

    /** Drops all prepared statements: their plans may be of a table as it was. */
    @Override
    public void close() throws SQLException {
        List<PreparedStatement> all = List.copyOf(prepared.values());
        prepared.clear();
        for (PreparedStatement statement : all) {
            statement.close();
        }
    }
}
