package dev.replicator.capture.postgres;

import dev.replicator.queue.Lsn;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Our logical replication slot. */
public final class Slot {
    /** Output plugin of every slot of ours. */
    public static final String PLUGIN = "pgoutput";

    private final String name;

    public Slot(String name) {
        this.name = name;
    }

    public String name() {
        return name;
    }

    /**
     * Creates it; waits for every transaction that now runs (rule R21: show for whom with {@link Catalog#running}).
     *
     * @return the position from which the stream will begin
     */
    public long create(Connection sql) throws SQLException {
        try (PreparedStatement create = sql.prepareStatement(
                "SELECT lsn::text FROM pg_catalog.pg_create_logical_replication_slot(?, '" + PLUGIN + "')")) {
            create.setString(1, name);
            try (ResultSet row = create.executeQuery()) {
                row.next();
                return Lsn.parse(row.getString(1));
            }
        }
    }

    /** Drops it; nothing happens when it does not exist. */
    public void drop(Connection sql) throws SQLException {
        try (PreparedStatement drop = sql.prepareStatement("SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
                + " FROM pg_catalog.pg_replication_slots WHERE slot_name = ?")) {
            drop.setString(1, name);
            drop.execute();
        }
    }
}
