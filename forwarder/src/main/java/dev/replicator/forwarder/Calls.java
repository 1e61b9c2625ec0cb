package dev.replicator.forwarder;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;

/** Ends calls with a status the caller can act upon: gRPC itself would turn a thrown one into UNKNOWN. */
final class Calls {
    private Calls() {}

    /** Runs the part of a streaming call that may refuse it; a refused call takes no more messages. */
    static <Q> StreamObserver<Q> streaming(StreamObserver<?> answer, Supplier<StreamObserver<Q>> call) {
        try {
            return call.get();
        } catch (RuntimeException e) {
            answer.onError(status(e).asRuntimeException());
            return new Deaf<>();
        }
    }

    /** Runs a call with one question. */
    static void unary(StreamObserver<?> answer, Call call) {
        try {
            call.run();
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            answer.onError(status(e).asRuntimeException());
        }
    }

    /** What a peer is told of an exception. */
    static Status status(Throwable thrown) {
        if (thrown instanceof StatusRuntimeException known) {
            return known.getStatus();
        }
        if (thrown instanceof ReplicatorException known) {
            Status.Code code =
                    switch (known.code()) {
                        case USAGE, CONFIGURATION -> Status.Code.INVALID_ARGUMENT;
                        case NOT_FOUND -> Status.Code.NOT_FOUND;
                        case REFUSED -> Status.Code.PERMISSION_DENIED;
                        case UNAVAILABLE -> Status.Code.UNAVAILABLE;
                        case DAMAGE -> Status.Code.DATA_LOSS;
                        case FULL -> Status.Code.RESOURCE_EXHAUSTED;
                        case FORKED_HISTORY -> Status.Code.FAILED_PRECONDITION;
                        case FAILED, INTERNAL -> Status.Code.INTERNAL;
                    };
            return code.toStatus()
                    .withDescription(
                            known.hint().isEmpty() ? known.getMessage() : known.getMessage() + " " + known.hint());
        }
        if (thrown instanceof IllegalArgumentException) {
            return Status.INVALID_ARGUMENT.withDescription(thrown.getMessage());
        }
        return Status.INTERNAL.withDescription(thrown.toString()).withCause(thrown);
    }

    /** A slave or table that is not there. */
    static ReplicatorException notFound(String message, String hint) {
        return new ReplicatorException(ErrorCode.NOT_FOUND, message, hint);
    }

    /** One question's work. */
    @FunctionalInterface
    interface Call {
        void run() throws Exception;
    }

    private static final class Deaf<Q> implements StreamObserver<Q> {
        @Override
        public void onNext(Q message) {
            // The call was refused; what was under way is dropped.
        }

        @Override
        public void onError(Throwable error) {
            // The call was refused.
        }

        @Override
        public void onCompleted() {
            // The call was refused.
        }
    }
}
