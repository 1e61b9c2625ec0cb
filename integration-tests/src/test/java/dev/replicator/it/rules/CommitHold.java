package dev.replicator.it.rules;

import java.sql.SQLException;

/**
 * Holds a slave's COMMIT of changes of one table on the server: a deferred trigger waits for an advisory lock of this one's
 * session. Deferred constraints are checked before the commit, so a first trigger puts the second one off until then.
 */
final class CommitHold implements AutoCloseable {
    private static final String LOCK = "SELECT pg_advisory_lock(4711)";

    private final Stage stage;
    private final String slave;
    private final Session holder;

    CommitHold(Stage stage, String slave, String table) throws SQLException {
        this.stage = stage;
        this.slave = slave;
        stage.onSlave(
                slave,
                "CREATE TABLE public.commit_hold (n int)",
                "CREATE FUNCTION public.wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$",
                "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON public.commit_hold DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW EXECUTE FUNCTION public.wait_for_lock()",
                "ALTER TABLE public.commit_hold ENABLE ALWAYS TRIGGER at_commit",
                "CREATE FUNCTION public.put_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " SET CONSTRAINTS public.at_commit DEFERRED;"
                        + " INSERT INTO public.commit_hold VALUES (1); RETURN NULL; END $$",
                "CREATE CONSTRAINT TRIGGER at_check AFTER INSERT OR UPDATE OR DELETE ON " + table
                        + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.put_off()",
                "ALTER TABLE " + table + " ENABLE ALWAYS TRIGGER at_check");
        holder = stage.slaveSession(slave).run(LOCK);
    }

    /** Process id of the backend that stands in its COMMIT; waits for it. */
    String awaitCommit() {
        return stage.awaitSlaveValue(
                slave, "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'advisory'");
    }

    String slave() {
        return slave;
    }

    /** Lets it commit. */
    void release() throws SQLException {
        holder.run("SELECT pg_advisory_unlock_all()");
    }

    @Override
    public void close() throws SQLException {
        release();
        stage.onSlave(slave, "DROP FUNCTION public.put_off, public.wait_for_lock CASCADE");
    }
}
