package dev.replicator.dumps.postgres;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens connections to one database. */
@FunctionalInterface
public interface ServerConnections {
    /** A new connection in autocommit mode; whoever asked closes it. */
    Connection open() throws SQLException;
}
