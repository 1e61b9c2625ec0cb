package dev.replicator.slave.state;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Prepared statements of one session by their text; those used least lately are closed first. Not thread-safe. */
public final class PreparedStatements implements AutoCloseable {
    private final Connection connection;
    private final int most;
    private final Map<String, PreparedStatement> prepared = new LinkedHashMap<>(64, 0.75f, true);

    /** @param most so many are kept */
    public PreparedStatements(Connection connection, int most) {
        this.connection = connection;
        this.most = most;
    }

    /** The statement of a text; it stays owned by this. */
    public PreparedStatement of(String text) throws SQLException {
        PreparedStatement statement = prepared.get(text);
        if (statement == null) {
            if (prepared.size() >= most) {
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

    /** Closes all of them: they may hold plans of tables as they were. It can be used on. */
    @Override
    public void close() throws SQLException {
        List<PreparedStatement> all = List.copyOf(prepared.values());
        prepared.clear();
        for (PreparedStatement statement : all) {
            statement.close();
        }
    }
}
