package dev.replicator.slave.state;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** Creates and upgrades schema {@code replicator} in the slave's database. Safe to run at every start. */
public final class StateSchema {
    /** Grows with every change of the tables below; {@link #UPGRADES} has the step to each version. */
    static final int VERSION = 2;

    private static final String CREATE =
            """
            CREATE SCHEMA IF NOT EXISTS replicator;
            CREATE TABLE IF NOT EXISTS replicator.installation (
                only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                version int NOT NULL,
                cluster text NOT NULL,
                slave text NOT NULL,
                paused boolean NOT NULL DEFAULT false,
                table_set_seq bigint NOT NULL DEFAULT 0);
            """;

    /** Element n leads from version n to n + 1. Never edited once released; only added to. */
    private static final List<String> UPGRADES = List.of(
            """
            CREATE TABLE replicator.progress (
                cluster text NOT NULL,
                origin int NOT NULL DEFAULT 0,
                epoch int NOT NULL,
                epoch_id uuid NOT NULL,
                seq bigint NOT NULL,
                position pg_lsn NOT NULL,
                commit_time timestamptz,
                generation bigint NOT NULL DEFAULT 0,
                PRIMARY KEY (cluster, origin)) WITH (fillfactor = 10);
            CREATE TABLE replicator.lane (
                lane text PRIMARY KEY,
                epoch int NOT NULL,
                epoch_id uuid NOT NULL,
                seq bigint NOT NULL,
                position pg_lsn NOT NULL,
                commit_time timestamptz,
                generation bigint NOT NULL DEFAULT 0,
                parked boolean NOT NULL DEFAULT false) WITH (fillfactor = 10);
            CREATE SEQUENCE replicator.lane_number;
            CREATE TABLE replicator.table_state (
                table_name text PRIMARY KEY,
                table_id bigint NOT NULL DEFAULT 0,
                incarnation int NOT NULL DEFAULT 0,
                state text NOT NULL,
                lane text,
                since bigint NOT NULL DEFAULT 0,
                boundary jsonb,
                reason text,
                hint text,
                conflict_seq bigint NOT NULL DEFAULT 0,
                skip_seq bigint NOT NULL DEFAULT 0,
                need text NOT NULL DEFAULT 'any',
                wanted_dump text,
                changed_at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE replicator.restore (
                table_name text PRIMARY KEY REFERENCES replicator.table_state ON DELETE CASCADE,
                restore_group text NOT NULL,
                phase text NOT NULL,
                dump_id text,
                mode text,
                relation_schema text,
                relation_name text,
                incarnation int NOT NULL DEFAULT 0,
                lane text,
                since bigint NOT NULL DEFAULT 0,
                boundary jsonb,
                layout jsonb,
                error text);
            CREATE TABLE replicator.restore_chunk (
                table_name text NOT NULL REFERENCES replicator.restore ON DELETE CASCADE,
                dump_id text NOT NULL,
                chunk int NOT NULL,
                row_count bigint NOT NULL,
                PRIMARY KEY (table_name, dump_id, chunk));
            CREATE TABLE replicator.conflict (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                seq bigint NOT NULL,
                table_name text NOT NULL,
                kind text NOT NULL,
                detail text NOT NULL,
                resolution text NOT NULL,
                row_image jsonb,
                at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE replicator.command (
                id text PRIMARY KEY,
                action text NOT NULL,
                failure text,
                at timestamptz NOT NULL DEFAULT now());
            """,
            "ALTER TABLE replicator.table_state ADD COLUMN identity text[];");

    private StateSchema() {}

    /**
     * Brings the schema to this release's version, in one transaction that it commits.
     *
     * @throws ReplicatorException when the schema belongs to another slave or to a newer release
     */
    public static void ensure(Connection connection, String cluster, String slave) throws SQLException {
        connection.setAutoCommit(false);
        // Two daemons that start together must not both create.
        Sql.query(connection, row -> 0, "SELECT pg_advisory_xact_lock(hashtextextended('replicator schema', 0))");
        if (Sql.query(connection, row -> row.getBoolean(1), "SELECT to_regclass('replicator.installation') IS NULL")
                .get(0)) {
            Sql.execute(connection, CREATE);
        }
        Sql.update(
                connection,
                "INSERT INTO replicator.installation (version, cluster, slave) VALUES (0, ?, ?) ON CONFLICT DO NOTHING",
                cluster,
                slave);
        int version = checkedVersion(connection, cluster, slave);
        for (int step = version; step < VERSION; step++) {
            Sql.execute(connection, UPGRADES.get(step));
        }
        Sql.update(connection, "UPDATE replicator.installation SET version = ? WHERE version <> ?", VERSION, VERSION);
        connection.commit();
    }

    private static int checkedVersion(Connection connection, String cluster, String slave) throws SQLException {
        record Owner(int version, String cluster, String slave) {}
        Owner owner = Sql.query(
                        connection,
                        row -> new Owner(row.getInt(1), row.getString(2), row.getString(3)),
                        "SELECT version, cluster, slave FROM replicator.installation FOR UPDATE")
                .get(0);
        if (!owner.cluster().equals(cluster) || !owner.slave().equals(slave)) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "the target database belongs to slave " + owner.slave() + " of cluster " + owner.cluster()
                            + ", this daemon is slave " + slave + " of cluster " + cluster,
                    "use one database for each slave, or drop schema replicator there to give it to this slave");
        }
        if (owner.version() > VERSION) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "schema replicator in the target has version " + owner.version() + ", this release knows "
                            + VERSION,
                    "run the release that wrote it, or a newer one");
        }
        return owner.version();
    }
}
