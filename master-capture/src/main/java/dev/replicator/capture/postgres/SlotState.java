package dev.replicator.capture.postgres;

/**
 * The slot as {@code pg_replication_slots} shows it.
 *
 * @param plugin output plugin; null for a physical slot
 * @param database where it was made; null for a physical slot
 * @param foreign whether that is another database than the one we ask in
 * @param activePid who reads it, 0 when nobody does
 * @param confirmedLsn confirmed_flush_lsn; 0 while the slot is not ready
 * @param walHeldBytes WAL kept for it
 * @param safeWalBytes what may still be written before the slot is lost; -1 for no limit
 * @param lost the server has removed WAL it needs
 */
public record SlotState(
        String plugin,
        String database,
        boolean foreign,
        long activePid,
        long confirmedLsn,
        long walHeldBytes,
        long safeWalBytes,
        boolean lost) {
    /** Why the slot cannot be ours; empty when it can. */
    public String defect() {
        if (database == null) {
            return "is a physical one";
        }
        if (foreign) {
            return "belongs to database " + database + " of the same server";
        }
        return plugin.equals(Slot.PLUGIN) ? "" : "has plugin " + plugin + ", not " + Slot.PLUGIN;
    }
}
