package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;

/**
 * A foreign key that leaves or reaches a target table.
 *
 * @param name constraint name
 * @param child referencing table
 * @param parent referenced table
 * @param acts ON DELETE or ON UPDATE is CASCADE, SET NULL or SET DEFAULT
 * @param deferrable may be checked at the end of the transaction
 * @param firesInOrigin its triggers fire in an ordinary session
 * @param firesInReplica its triggers fire even under session_replication_role = replica
 */
public record TargetForeignKey(
        String name,
        TableName child,
        TableName parent,
        boolean acts,
        boolean deferrable,
        boolean firesInOrigin,
        boolean firesInReplica) {

    /** The statement that lets a foreign key be checked at the end of a transaction. */
    static String defer(TableName child, String constraint) {
        return "ALTER TABLE " + child.quoted() + " ALTER CONSTRAINT " + TableName.quote(constraint) + " DEFERRABLE;";
    }

    /** True when the foreign key is checked or acts in a session of this kind. */
    public boolean fires(boolean replicaRole) {
        return replicaRole ? firesInReplica : firesInOrigin;
    }
}
