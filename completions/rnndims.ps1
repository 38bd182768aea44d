# Completion of rnndims for PowerShell. Written by "rnndims completion powershell": do not edit.

Register-ArgumentCompleter -Native -CommandName rnndims -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = [ordered]@{
        'run' = 'Build the module, run it, and show the shapes of all inputs and results'
        'weights' = 'List the weights of a module or a checkpoint: their sizes, and how each is applied'
        'cell' = 'Run one cell step after step, and compare it with the layer'
        'concat-demo' = 'Show how the two directions become one output, and how to split it again'
        'diagram' = 'Draw the module: unrolled in time, the inside of a cell, or as matrix products'
        'dims' = 'Show the same shapes by arithmetic, at once and without torch'
        'check' = 'Say why a shape does not fit, or what an error message means'
        'trace' = 'Run a program, and say what its RNNs are called with and why one fails'
        'completion' = 'Print the script that makes bash, zsh, fish or PowerShell complete rnndims'
    }
    # What follows an option: '' nothing, '?' something that cannot be guessed, 'FILE' a file name, or the values to offer.
    $options = @{
        '' = @(
            @('--version', 'Print the version and exit', ''),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'run' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--seq-len', 'L, time steps; default 3, or the longest length', '?'),
            @('-t', 'L, time steps; default 3, or the longest length', '?'),
            @('--batch-size', 'N, sequences; default 2, or the number of lengths', '?'),
            @('-n', 'N, sequences; default 2, or the number of lengths', '?'),
            @('--unbatched', 'One sequence without a batch dim: (L, H_in)', ''),
            @('--lengths', 'Valid steps of each sequence, for a packed batch', '?'),
            @('--dtype', 'Data type: float32, float64, float16, bfloat16, ...', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--weights', 'Read module and weights from this checkpoint', 'FILE'),
            @('--name', 'Name of the RNN in the checkpoint to use; * and ? match any', '?'),
            @('--input', 'Read the input from x.npy, x.pt or x.safetensors; FILE:NAME for one of several', 'FILE'),
            @('--h0', 'Read h_0 from FILE or FILE:NAME', 'FILE'),
            @('--c0', 'Read c_0 from FILE or FILE:NAME', 'FILE'),
            @('--save', 'Save the results to this .safetensors file', 'FILE'),
            @('--device', 'Where to run: cpu, cuda, cuda:1, mps, auto, or meta (shapes of any size, no numbers)', 'auto cpu cuda mps meta'),
            @('--seed', 'Seed of the weights and the input', '?'),
            @('--values', 'Print the numbers too', ''),
            @('--json', 'Print one JSON document', ''),
            @('--export', 'Also write the answer to FILE, which ends in .svg, .html or .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script instead of the answer', ''),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'weights' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--seq-len', 'L, time steps; default 3, or the longest length', '?'),
            @('-t', 'L, time steps; default 3, or the longest length', '?'),
            @('--batch-size', 'N, sequences; default 2, or the number of lengths', '?'),
            @('-n', 'N, sequences; default 2, or the number of lengths', '?'),
            @('--unbatched', 'One sequence without a batch dim: (L, H_in)', ''),
            @('--lengths', 'Valid steps of each sequence, for a packed batch', '?'),
            @('--dtype', 'Data type: float32, float64, float16, bfloat16, ...', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--device', 'Where to run: cpu, cuda, cuda:1, mps, auto, or meta (shapes of any size, no numbers)', 'auto cpu cuda mps meta'),
            @('--seed', 'Seed of the weights and the input', '?'),
            @('--values', 'Print the numbers too', ''),
            @('--json', 'Print one JSON document', ''),
            @('--export', 'Also write the answer to FILE, which ends in .svg, .html or .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script instead of the answer', ''),
            @('--name', 'Name of the RNN in the checkpoint to show; * and ? match any', '?'),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'cell' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--seq-len', 'L, time steps; default 3, or the longest length', '?'),
            @('-t', 'L, time steps; default 3, or the longest length', '?'),
            @('--batch-size', 'N, sequences; default 2, or the number of lengths', '?'),
            @('-n', 'N, sequences; default 2, or the number of lengths', '?'),
            @('--unbatched', 'One sequence without a batch dim: (L, H_in)', ''),
            @('--lengths', 'Valid steps of each sequence, for a packed batch', '?'),
            @('--dtype', 'Data type: float32, float64, float16, bfloat16, ...', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--weights', 'Read module and weights from this checkpoint', 'FILE'),
            @('--name', 'Name of the RNN in the checkpoint to use; * and ? match any', '?'),
            @('--input', 'Read the input from x.npy, x.pt or x.safetensors; FILE:NAME for one of several', 'FILE'),
            @('--h0', 'Read h_0 from FILE or FILE:NAME', 'FILE'),
            @('--c0', 'Read c_0 from FILE or FILE:NAME', 'FILE'),
            @('--device', 'Where to run: cpu, cuda, cuda:1, mps, auto, or meta (shapes of any size, no numbers)', 'auto cpu cuda mps meta'),
            @('--seed', 'Seed of the weights and the input', '?'),
            @('--values', 'Print the numbers too', ''),
            @('--json', 'Print one JSON document', ''),
            @('--export', 'Also write the answer to FILE, which ends in .svg, .html or .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script instead of the answer', ''),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'concat-demo' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--seq-len', 'L, time steps; default 3, or the longest length', '?'),
            @('-t', 'L, time steps; default 3, or the longest length', '?'),
            @('--batch-size', 'N, sequences; default 2, or the number of lengths', '?'),
            @('-n', 'N, sequences; default 2, or the number of lengths', '?'),
            @('--unbatched', 'One sequence without a batch dim: (L, H_in)', ''),
            @('--lengths', 'Valid steps of each sequence, for a packed batch', '?'),
            @('--dtype', 'Data type: float32, float64, float16, bfloat16, ...', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--device', 'Where to run: cpu, cuda, cuda:1, mps, auto, or meta (shapes of any size, no numbers)', 'auto cpu cuda mps meta'),
            @('--seed', 'Seed of the weights and the input', '?'),
            @('--values', 'Print the numbers too', ''),
            @('--json', 'Print one JSON document', ''),
            @('--export', 'Also write the answer to FILE, which ends in .svg, .html or .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script instead of the answer', ''),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'diagram' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--seq-len', 'L, time steps; default 3, or the longest length', '?'),
            @('-t', 'L, time steps; default 3, or the longest length', '?'),
            @('--batch-size', 'N, sequences; default 2, or the number of lengths', '?'),
            @('-n', 'N, sequences; default 2, or the number of lengths', '?'),
            @('--unbatched', 'One sequence without a batch dim: (L, H_in)', ''),
            @('--lengths', 'Valid steps of each sequence, for a packed batch', '?'),
            @('--dtype', 'Data type: float32, float64, float16, bfloat16, ...', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--json', 'Print one JSON document', ''),
            @('--cell-view', 'Draw the inside of one cell: gates, weights, states', ''),
            @('--matmul', 'Draw one step as matrix products, to scale', ''),
            @('--layer', 'Layer whose cell --cell-view and --matmul show', '?'),
            @('--format', 'Format of the picture; Mermaid arranges the nodes itself', 'text ascii svg dot mermaid png'),
            @('--output', 'Write to FILE, or to standard output if FILE is -. The suffix names the format: .svg .png .dot .mmd .txt', 'FILE'),
            @('--export', 'Write to FILE, or to standard output if FILE is -. The suffix names the format: .svg .png .dot .mmd .txt', 'FILE'),
            @('-o', 'Write to FILE, or to standard output if FILE is -. The suffix names the format: .svg .png .dot .mmd .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script that runs the module instead', ''),
            @('--max-steps', 'Draw at most this many time steps; the middle ones are omitted', '?'),
            @('--max-layers', 'Draw at most this many layers; the middle ones are omitted', '?'),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'dims' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--seq-len', 'L, time steps; default 3, or the longest length', '?'),
            @('-t', 'L, time steps; default 3, or the longest length', '?'),
            @('--batch-size', 'N, sequences; default 2, or the number of lengths', '?'),
            @('-n', 'N, sequences; default 2, or the number of lengths', '?'),
            @('--unbatched', 'One sequence without a batch dim: (L, H_in)', ''),
            @('--lengths', 'Valid steps of each sequence, for a packed batch', '?'),
            @('--dtype', 'Data type: float32, float64, float16, bfloat16, ...', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--json', 'Print one JSON document', ''),
            @('--export', 'Also write the answer to FILE, which ends in .svg, .html or .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script instead of the answer', ''),
            @('--from-jsonl', 'Answer each line of FILE, a JSON object with the keys of config and data; - is standard input', 'FILE'),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'check' = @(
            @('--cell', 'Kind of cell: nn.RNN, nn.LSTM or nn.GRU', 'rnn lstm gru'),
            @('--input-size', 'H_in, the features of one input step', '?'),
            @('-i', 'H_in, the features of one input step', '?'),
            @('--hidden-size', 'H_cell, the features of the hidden state', '?'),
            @('-H', 'H_cell, the features of the hidden state', '?'),
            @('--layers', 'Number of stacked layers', '?'),
            @('--num-layers', 'Number of stacked layers', '?'),
            @('-l', 'Number of stacked layers', '?'),
            @('--bidirectional', 'Add a second direction, from the last step to the first', ''),
            @('-b', 'Add a second direction, from the last step to the first', ''),
            @('--no-bidirectional', 'Not --bidirectional', ''),
            @('--batch-first', 'Batch first: input and output are (N, L, ...); the states stay as they are', ''),
            @('--no-batch-first', 'Not --batch-first', ''),
            @('--bias', 'Use the bias vectors b_ih and b_hh', ''),
            @('--no-bias', 'Not --bias', ''),
            @('--dropout', 'Dropout between layers, 0 to 1; it acts in training only', '?'),
            @('--proj-size', 'Project h to this size (LSTM only); 0 turns it off', '?'),
            @('--nonlinearity', 'Activation (RNN only)', 'tanh relu'),
            @('--define', 'Value of a name in the pasted code; may be repeated', '?'),
            @('-D', 'Value of a name in the pasted code; may be repeated', '?'),
            @('--input', 'Shape of the input: 5,3,10, ''(5, 3, 10)'', ''torch.Size([5, 3, 10])''', '?'),
            @('--h0', 'Shape of the initial hidden state', '?'),
            @('--c0', 'Shape of the initial cell state. Without it, --h0 is passed as one tensor', '?'),
            @('--lengths', 'Lengths that the input is packed with', '?'),
            @('--input-dtype', 'dtype of the input; the weights are float32, or what the code says', 'float16 bfloat16 float32 float64 complex64 complex128'),
            @('--output', 'Shape that you expect of output', '?'),
            @('--h-n', 'Shape that you expect of h_n', '?'),
            @('--c-n', 'Shape that you expect of c_n', '?'),
            @('--linear', 'in_features of the nn.Linear that follows', '?'),
            @('--uses', 'How you use a result: ''output[:, -1]'', ''h_n.view(3, -1)''; may be repeated', '?'),
            @('--target', 'Shape of the target that the loss compares with', '?'),
            @('--loss', 'The loss: cross entropy, mean squared error or CTC', 'ce mse ctc'),
            @('--decoder', 'The module that begins with the states of this one: ''nn.GRU(64, 128)''', '?'),
            @('--attention', 'Dot attention: output times the last state, of --decoder if there is one', ''),
            @('--name', 'Which RNN of a pasted class with several: encoder, Net.encoder', '?'),
            @('--error', 'An error message or traceback to explain; - reads standard input', '?'),
            @('--json', 'Print one JSON document', ''),
            @('--export', 'Also write the answer to FILE, which ends in .svg, .html or .txt', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--code', 'Print a plain PyTorch script instead of the answer', ''),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'trace' = @(
            @('-m', 'Run a module by its name, not a file', ''),
            @('--report', 'Also write what was seen to FILE, a JSON document', 'FILE'),
            @('--force', 'Overwrite a file that exists', ''),
            @('--quiet', 'Leave out the table of calls', ''),
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
        'completion' = @(
            @('--help', 'Show this message and exit', ''),
            @('-h', 'Show this message and exit', '')
        )
    }
    $arguments = @{
        'run' = @('?')
        'weights' = @('FILE')
        'cell' = @('?')
        'concat-demo' = @('?')
        'diagram' = @('?')
        'dims' = @('?')
        'check' = @('?')
        'trace' = @('?', '?')
        'completion' = @('bash zsh fish powershell')
    }

    $command = ''
    $option = ''
    $ended = $false
    $number = 0
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $word = $element.Extent.Text
        if ($option) { $option = '' }
        elseif (-not $ended -and $word -ceq '--') { $ended = $true }
        elseif (-not $ended -and $word.StartsWith('-')) {
            $known = $options[$command] | Where-Object { $_[0] -ceq $word -and $_[2] }
            if ($known) { $option = $word }
        }
        elseif (-not $command) { $command = $word }
        else { $number++ }
    }
    if (-not $options.ContainsKey($command)) { return '' }

    $current = "$wordToComplete"
    $prefix = ''
    if (-not $option -and -not $ended -and $current -cmatch '^(--[^=]+)=(.*)$') {
        $option = $Matches[1]
        $prefix = "$option="
        $current = $Matches[2]
    }

    $offers = @()
    if ($option) {
        $follows = ($options[$command] | Where-Object { $_[0] -ceq $option } | Select-Object -First 1)
        $values = if ($follows) { $follows[2] } else { '' }
    }
    elseif (-not $ended -and $current.StartsWith('-')) { $values = '-' }
    elseif (-not $command) {
        $values = ''
        $offers = @($commands.Keys | ForEach-Object { , @($_, $commands[$_]) })
    }
    else {
        $expected = @($arguments[$command])
        $values = if ($number -lt $expected.Count) { $expected[$number] } else { '' }
        if ((-not $values -or $values -ceq '?') -and -not $current -and -not $ended) { $values = '-' }
    }

    if ($values -ceq 'FILE' -and -not $prefix) { return } # no reply of our own: PowerShell completes file names
    if ($values -ceq 'FILE') {
        $offers = @(Get-ChildItem "$current*" -ErrorAction SilentlyContinue | ForEach-Object { , @($_.Name, $_.FullName) })
        $folder = $current -creplace '[^/\\]*$', ''
        $prefix = "$prefix$folder"
        $current = $current.Substring($folder.Length)
    }
    elseif ($values -ceq '-') {
        $offers = @($options[$command] | Where-Object { $_[0].StartsWith('--') -or $current.Length -eq 2 })
    }
    elseif ($values -and $values -cne '?') {
        $offers = @($values.Split(' ') | ForEach-Object { , @($_, $_) })
    }

    $found = @($offers | Where-Object { $_[0].StartsWith($current, [StringComparison]::Ordinal) })
    if ($found.Count -eq 0) { return '' } # an empty reply: else PowerShell would offer file names
    foreach ($offer in $found) {
        $text = "$prefix$($offer[0])"
        $tip = if ($offer[1]) { $offer[1] } else { $text }
        [System.Management.Automation.CompletionResult]::new($text, $offer[0], 'ParameterValue', $tip)
    }
}
