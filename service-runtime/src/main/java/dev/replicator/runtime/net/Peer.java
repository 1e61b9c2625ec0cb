package dev.replicator.runtime.net;

/**
 * Who calls, as its token says.
 *
 * @param name the slave's name; for the others the role in lower case
 */
public record Peer(Role role, String name) {
    /** What a token allows. */
    public enum Role {
        /** The capture daemon. */
        CAPTURE,
        /** The admin command line. */
        ADMIN,
        /** One slave daemon. */
        SLAVE
    }

    @Override
    public String toString() {
        return role == Role.SLAVE ? "slave " + name : name;
    }
}
