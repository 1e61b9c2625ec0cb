package dev.replicator.slave.state;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens pinned sessions on the target; whoever asked closes them. Safe for several threads. */
@FunctionalInterface
public interface Sessions {
    /** @param purpose shown in pg_stat_activity */
    Connection open(String purpose) throws SQLException;
}
