package dev.replicator.it;

import java.util.function.Supplier;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** Adds what the daemons said to a failing test's exception. */
final class DiagnosticsOnFailure implements TestExecutionExceptionHandler {
    private final Supplier<Replication> replication;

    DiagnosticsOnFailure(Supplier<Replication> replication) {
        this.replication = replication;
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        if (replication.get() != null) {
            failure.addSuppressed(new AssertionError(replication.get().diagnostics()));
        }
        throw failure;
    }
}
