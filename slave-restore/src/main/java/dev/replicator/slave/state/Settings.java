package dev.replicator.slave.state;

import java.sql.Connection;
import java.sql.SQLException;

/** Single values of the slave, in {@code replicator.installation}. */
public final class Settings {
    private Settings() {}

    /** An operator stops all lanes, or lets them go on. */
    public static void pause(Connection connection, boolean paused) throws SQLException {
        Sql.update(connection, "UPDATE replicator.installation SET paused = ?", paused);
    }

    /**
     * Notes the place of the table set that is taken over.
     *
     * @param newest whether the forwarder has no later one: the place noted before is that of a queue which it has lost
     * @return false when a later one was taken over before
     */
    public static boolean takeTableSet(Connection connection, long atSeq, boolean newest) throws SQLException {
        return Sql.update(
                        connection,
                        "UPDATE replicator.installation SET table_set_seq = ? WHERE table_set_seq <= ?",
                        atSeq,
                        newest ? Long.MAX_VALUE : atSeq)
                == 1;
    }

    /** Another history begins: whatever table set it tells is the newest. */
    public static void forgetTableSet(Connection connection) throws SQLException {
        Sql.update(connection, "UPDATE replicator.installation SET table_set_seq = 0");
    }
}
