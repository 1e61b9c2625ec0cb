package dev.replicator.runtime;

/**
 * What a daemon says about itself to a probe.
 *
 * @param live false if only a restart can help
 * @param ready false while it cannot do its work, such as without its database
 * @param text one line for people
 */
public record Health(boolean live, boolean ready, String text) {
    /** All is well. */
    public static final Health OK = new Health(true, true, "ok");
}
