package dev.replicator.capture.postgres;

/**
 * The publication, as far as continuity depends on it (rule R08).
 *
 * @param oid its oid: another one is another publication
 * @param defect what makes it unusable, with the statement that mends it; empty when it is as it must be
 */
public record PublicationState(long oid, String defect) {}
