package dev.replicator.slave.netting;

/** A history that does not net: for example the insert of a row that is there. Says so without row values. */
public final class NettingException extends Exception {
    NettingException(String message) {
        super(message);
    }
}
