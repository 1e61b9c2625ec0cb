package dev.replicator.capture.postgres;

/**
 * Which database cluster the master is and on which of its histories it runs.
 *
 * @param systemIdentifier made by initdb
 * @param timeline counts recoveries and promotions
 */
public record SystemIdentity(String systemIdentifier, int timeline) {}
