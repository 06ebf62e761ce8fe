"""What each setting does, and what it costs: shown beside the fields, and told in docs/blueprints.md."""

TIPS: dict[str, str] = {
    "llm_id": (
        "Which model writes the answer. Larger ones read more carefully, take longer, and cost more "
        "with each question. The built-in one quotes what it was given to read: it costs nothing, and "
        "has no words of its own."
    ),
    "system_prompt": (
        "What the LLM is told before each question. Left empty, it is told to answer from the sources, "
        "to cite them, and to say so when they do not hold the answer. It is sent each time: 100 words "
        "are about 130 tokens."
    ),
    "temperature": (
        "How freely words are chosen. 0 takes the likeliest each time; higher values vary more. For "
        "answers from documents, 0 to 0.3 serves well. It costs nothing."
    ),
    "top_p": (
        "Of the possible next words, only the likeliest are considered that together make up this "
        "share; 1 is all of them. Change this or the temperature, not both. It costs nothing."
    ),
    "max_completion_length": (
        "Where an answer is cut, in tokens. It bounds what an answer costs and how long it takes. So "
        "much of the LLM's context is kept free for it, which leaves less for sources and history."
    ),
    "prompt_type": (
        "Earlier questions and answers of the chat are sent along, so that “and if it was a gift?” is "
        "understood. Each turn makes the next question longer, and so dearer."
    ),
    "vector_database_id": (
        "What is searched for passages. Without one, the LLM answers from what it has learnt, and "
        "cites nothing. A search takes some milliseconds."
    ),
    "retriever": (
        "Rewriting finds what a follow-up question means; several questions find the parts of a "
        "complex one. Both ask the LLM once more before each answer: that costs time and tokens."
    ),
    "search_mode": (
        "By meaning finds the same in other words; by words finds names and numbers as they are "
        "written. Both at once is best for most documents. Neither costs more than milliseconds."
    ),
    "retrieval_mode": (
        "Maximal marginal relevance passes over chunks that repeat a better one. To compare the best "
        "50 with each other takes some milliseconds."
    ),
    "maximal_marginal_relevance_lambda": (
        "1 counts only how well a chunk fits, 0 only how much it differs from those chosen before it. "
        "It costs nothing."
    ),
    "max_documents_retrieved_per_prompt": (
        "How many chunks the LLM is given to read. More of them miss less; they cost more tokens, and "
        "the one that counts is overlooked more easily."
    ),
    "max_tokens": (
        "At most so many tokens of chunks are read, however many there are. Left open, it is what the "
        "LLM's context has room for. It bounds what reading costs."
    ),
    "similarity_threshold": (
        "Chunks that are less similar to the question are left out: a cosine between 0 and 1. Set too "
        "high, nothing is left to answer from. It saves tokens."
    ),
    "add_neighbor_chunks": (
        "The chunk before and the chunk after each hit are read along, so that a rule comes with its "
        "exception. Up to three times as many tokens are read."
    ),
    "rerank": (
        "A cross encoder reads each passage together with the question and orders them anew. The order "
        "is better, and each question waits for it: some hundred milliseconds without a GPU."
    ),
}
