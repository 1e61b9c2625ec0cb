package dev.replicator.launcher.local;

/**
 * What one admin command did.
 *
 * @param exitCode 0 done, 1 failed or timed out, 2 usage or configuration
 * @param output what it printed
 * @param errors what it printed as error
 */
public record AdminResult(int exitCode, String output, String errors) {

    /**
     * The output of a command that must succeed.
     *
     * @throws IllegalStateException with its errors when it did not
     */
    public String orThrow() {
        if (exitCode != 0) {
            throw new IllegalStateException("admin command ended with " + exitCode + ": " + errors + output);
        }
        return output;
    }
}
