package dev.replicator.runtime.net;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;

/** Turns what gRPC throws into what a person can act on. */
public final class RemoteErrors {
    private RemoteErrors() {}

    /**
     * Describes a failed call.
     *
     * @param attempted what was tried, as the beginning of a sentence, such as {@code Cannot subscribe slave a}
     */
    public static ReplicatorException describe(String attempted, Endpoint endpoint, Throwable thrown) {
        Status status = Status.fromThrowable(thrown);
        String about = attempted + " at the forwarder " + endpoint + ": ";
        String reason = reason(status);
        return switch (status.getCode()) {
            case UNAVAILABLE -> new ReplicatorException(
                    ErrorCode.UNAVAILABLE,
                    about + reason,
                    "Check that the forwarder runs, that the address is right, and that both sides agree on TLS.",
                    thrown);
            case UNAUTHENTICATED -> new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    about + reason,
                    "Give both sides the same token; the forwarder reads its own from forwarder.yaml and slaves.d.",
                    thrown);
            case PERMISSION_DENIED -> new ReplicatorException(ErrorCode.REFUSED, about + reason, "", thrown);
            case INVALID_ARGUMENT -> new ReplicatorException(ErrorCode.USAGE, about + reason, "", thrown);
            case NOT_FOUND -> new ReplicatorException(ErrorCode.NOT_FOUND, about + reason, "", thrown);
            case DATA_LOSS -> new ReplicatorException(ErrorCode.DAMAGE, about + reason, "", thrown);
            case RESOURCE_EXHAUSTED -> new ReplicatorException(ErrorCode.FULL, about + reason, "", thrown);
            case DEADLINE_EXCEEDED -> new ReplicatorException(ErrorCode.FAILED, about + "timed out", "", thrown);
            default -> new ReplicatorException(ErrorCode.FAILED, about + reason, "", thrown);
        };
    }

    /** Returns true if the same call may succeed later without anybody doing anything. */
    public static boolean isWeather(Throwable thrown) {
        return switch (Status.fromThrowable(thrown).getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED, CANCELLED -> true;
            default -> false;
        };
    }

    /** What happened, in one line: without a sentence of the other side's its cause here, such as a certificate's. */
    public static String reason(Throwable thrown) {
        boolean remote = thrown instanceof StatusRuntimeException || thrown instanceof StatusException;
        return remote ? reason(Status.fromThrowable(thrown)) : String.valueOf(thrown.getMessage());
    }

    /** gRPC's own text for a refused connection is "io exception"; what happened is in the cause. */
    private static String reason(Status status) {
        Throwable cause = status.getCause();
        while (cause != null && cause.getCause() != null) {
            cause = cause.getCause();
        }
        String text = status.getDescription() == null
                ? status.getCode().name()
                : status.getDescription().lines().findFirst().orElse("");
        return cause == null || cause.getMessage() == null ? text : text + " (" + cause.getMessage() + ")";
    }
}
