package dev.replicator.capture.postgres;

/**
 * The slot as {@code pg_replication_slots} shows it.
 *
 * @param plugin output plugin
 * @param database where it was made
 * @param activePid who reads it, 0 when nobody does
 * @param confirmedLsn confirmed_flush_lsn; 0 while the slot is not ready
 * @param walHeldBytes WAL kept for it
 * @param safeWalBytes what may still be written before the slot is lost; -1 for no limit
 * @param lost the server has removed WAL it needs
 */
public record SlotState(
        String plugin,
        String database,
        long activePid,
        long confirmedLsn,
        long walHeldBytes,
        long safeWalBytes,
        boolean lost) {}
